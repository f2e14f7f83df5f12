"""The matrix runner: what each job says, what listeners hear, and shares that are empty."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.matrix import run_matrix
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.run_matrix import run_planned
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.runs.store import RunStore
from emonet_bench.types import Architecture
from tests.matrix.test_scheduler import Recorder, cell, write

PLUGIN = """
from concurrent.futures import ThreadPoolExecutor
from emonet_bench import hookimpl

from emonet_bench.config import Options
from emonet_bench.types import ExecutorKind

@hookimpl
def emonet_executors():
    return [ExecutorKind("threads", Options, lambda options, workers, devices: ThreadPoolExecutor(workers))]
"""


@pytest.fixture
def plugins(tmp_path):
    (tmp_path / "threads.py").write_text(PLUGIN)
    loaded = Plugins(Selection(names=(), files=(tmp_path / "threads.py",)))
    loaded.architectures.add("a", Architecture("a", "cnn", Options, print), Origin("toy", "1.0", "toys"))
    return loaded


@pytest.fixture
def jobs(monkeypatch):
    """What workers were given; each pretends to train."""
    given = []

    def pretend(job):
        given.append(job)
        spec, run_id = job.cell.spec, job.cell.run_id
        with RunStore(job.results).writing(spec, run_id, again=job.again) as directory:
            changes = {"error": {"type": "Oops", "message": "on fire"}} if spec.corpus == "bad" else {}
            write(directory, job.cell, **changes)

    monkeypatch.setattr(run_matrix, "run_cell", pretend)
    return given


def planned(plugins, *cells):
    return PlannedMatrix(cells, plugins, {one.run_id: 10 for one in cells})


def options(tmp_path, **changes):
    return RunOptions(tmp_path / "results", jobs=1, executor="threads", **changes)


def test_every_cell_is_handed_over_once_and_counted_by_how_it_ended(plugins, jobs, tmp_path):
    cells = [cell("a"), cell("bad"), cell("b", source="bad"), cell("c", skip="no source")]
    ears = Recorder()
    outcome = run_planned(planned(plugins, *cells), options(tmp_path), [ears])
    assert sorted(job.cell.spec.corpus for job in jobs) == ["a", "bad"]
    assert outcome.counts == {"finished": 1, "failed": 1, "skipped": 2}
    assert outcome.failures == [(cells[1], "Oops: on fire")]
    assert {("finished", "a"), ("failed", "bad", "Oops"), ("skipped", "c", "no source")} <= set(ears.heard)


def test_a_job_says_where_its_source_lies_and_what_was_asked_for(plugins, jobs, tmp_path):
    source, target = cell("a"), cell("b", source="a")
    asked = options(tmp_path, export=True, skip_bad_files=True)
    run_planned(planned(plugins, source, target), asked)
    first, second = jobs
    assert (first.source, second.source) == (None, RunStore(asked.results).path(source.spec, source.run_id))
    for job in jobs:
        assert (job.results, job.selection) == (asked.results, plugins.selection)
        assert (job.export, job.skip_bad_files, job.again) == (True, True, False)


def test_what_is_finished_is_made_again_by_force_alone(plugins, jobs, tmp_path):
    matrix = planned(plugins, cell("a"))
    for forced in (False, False, True):
        assert run_planned(matrix, options(tmp_path, force=forced)).counts["finished"] == 1
    assert [job.again for job in jobs] == [False, True]


def test_a_share_without_cells_is_nothing_to_do(plugins, jobs, tmp_path):
    share = planned(plugins, cell("a")).share("2/2")
    assert share.cells == []
    assert run_planned(share, options(tmp_path)).counts == {"finished": 0, "failed": 0, "skipped": 0}
    assert jobs == []


def test_listeners_hear_the_end_also_of_work_that_breaks_off(plugins, tmp_path, monkeypatch):
    class Ears(Recorder):
        def planned(self, matrix, ahead, results):
            self.heard.append(("planned", len(ahead), results))

        def ended(self):
            self.heard.append(("ended",))

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    ears = Ears()
    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_planned(planned(plugins, cell("a")), options(tmp_path), [ears])
    assert ears.heard[0] == ("planned", 1, tmp_path / "results")
    assert ears.heard[-1] == ("ended",)


@pytest.mark.parametrize(("wrong", "words"), [({"executor": "thread"}, "--executor thread"), ({"jobs": 0}, "--jobs 0")])
def test_a_wrong_option_is_told_before_anything_is_written(plugins, tmp_path, wrong, words):
    asked = RunOptions(**{"results": tmp_path / "results", "jobs": 1, "executor": "threads"} | wrong)
    with pytest.raises(ConfigError, match=words):
        run_planned(planned(plugins, cell("a")), asked)
    assert not (tmp_path / "results").exists()
