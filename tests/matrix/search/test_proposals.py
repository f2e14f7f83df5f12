"""Trials in real life: no test data in their files, kills that lose nothing, and two runners on one directory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from emonet_bench.matrix import run_matrix
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.plan import matrix_source, plan
from emonet_bench.matrix.search.proposals import Proposals
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report.checking.verification import verify
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.store import RunStore
from tests.matrix.search.searched import Toy
from tests.matrix.test_run_matrix import PLUGIN

MATRIX = {
    "corpora": ["synthetic-calls"],
    "architectures": ["cnn"],
    "training": {"epochs": 2, "batch_size": 8, "window": 0.5, "device": "cpu", "limit": 8},
    "options": {
        "cnn": {
            "num_mels": 16, "n_fft": 256, "hop": 256, "number_of_resnet_blocks": 1, "number_of_filters": 4,
            "classifier": "statistics",
        }
    },
    "search": {"trials": 3, "space": {"training.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("searched")
    (folder / "threads.py").write_text(PLUGIN)
    plugins = Plugins(Selection(files=(folder / "threads.py",)))
    planned = plan(matrix_source(MATRIX), plugins)
    run_matrix.run_planned(planned, RunOptions(folder / "results", jobs=1, executor="threads"))
    return RunStore(folder / "results")


def records(store):
    return {path: RunFiles(path).read_record() for path in store.finished()}


def test_the_files_of_a_trial_hold_nothing_of_test(results):
    found = records(results)
    (tuned,) = [path for path, record in found.items() if record.spec.search]
    table = RunFiles(tuned).read_predictions(found[tuned], "synthetic-calls")
    tested = table.part("test").utterances
    trials = [path for path, record in found.items() if record.spec.trial]
    assert len(trials) == 3
    assert len(tested) == 8
    for path in trials:
        record = json.loads((path / "result.json").read_text())
        assert set(record["scores"]) == set(record["confusion"]) == {"dev"}
        assert set(record["partitions"]) == {"train", "dev"}
        assert set(RunFiles(path).read_predictions(found[path], "synthetic-calls").part("test").utterances) == set()
        for file in path.iterdir():
            content = file.read_bytes()
            assert not any(name.encode() in content for name in tested), file
            assert b"test" not in content.replace(b"latest", b""), file


def test_the_tuned_run_has_the_numbers_of_the_chosen_trial(results):
    found = {record.run_id: (path, record) for path, record in records(results).items()}
    (tuned,) = [record for _, record in found.values() if record.spec.search]
    path = found[tuned.run_id][0]
    chosen_path, chosen = found[tuned.search.trials[tuned.search.chosen].runs[0]]
    assert tuned.scores["dev"] == chosen.scores["dev"]
    assert (tuned.best_epoch, tuned.parameters, tuned.seconds["train"]) == (
        chosen.best_epoch, chosen.parameters, chosen.seconds["train"]
    )  # fmt: skip
    assert (path / "history.csv").read_bytes() == (chosen_path / "history.csv").read_bytes()
    assert max(trial.dev for trial in tuned.search.trials) == chosen.scores["dev"].uar


def test_trials_and_tuned_runs_are_as_stated(results):
    assert [verify(path).problems for path in results.finished()] == [[]] * 4


def test_what_another_process_has_finished_is_proposed_by_nobody(tmp_path):
    """Both hear of the same ends, and so both say the same."""
    one, other = (Proposals((), Toy(tmp_path).studies({"trials": 4})) for _ in range(2))
    assert [cell.run_id for cell in one.first()] == [cell.run_id for cell in other.first()]


def test_cells_that_a_proposal_adds_are_known_by_their_run_ids(tmp_path):
    proposals = Proposals((), Toy(tmp_path).studies({"trials": 4}))
    first = proposals.first()
    assert set(proposals.cells) == {cell.run_id for cell in first}


SCRIPT = """
import sys
from pathlib import Path
from emonet_bench import run_matrix
from emonet_bench.matrix.events import Listener

class Log(Listener):
    def started(self, cell):
        with (Path(sys.argv[1]).parent / "started").open("a") as stream:
            stream.write(cell.run_id + "\\n")

if __name__ == "__main__":
    import json
    run_matrix(json.loads(sys.argv[2]), results=sys.argv[1], jobs=1, listeners=[Log()])
"""


def runner(folder, matrix):
    script = folder / "runner.py"
    script.write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, str(script), str(folder / "results"), json.dumps(matrix)], start_new_session=True
    )


def scores(folder):
    store = RunStore(folder / "results")
    return {
        path.name: (record.scores, record.search and [trial.dev for trial in record.search.trials])
        for path, record in records(store).items()
    }


LONGER = MATRIX | {"search": MATRIX["search"] | {"trials": 6, "seconds": 1000}}


@pytest.mark.slow
def test_kills_lose_no_trial_and_change_no_number(tmp_path, monkeypatch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    assert runner(whole, LONGER).wait(300) == 0
    for kill in range(1, 4):
        process = runner(killed, LONGER)
        deadline = time.monotonic() + 120
        while len(list(killed.glob("results/*/result.json"))) < 2 * kill and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert runner(killed, LONGER).wait(300) == 0
    assert scores(killed) == scores(whole)
    assert len(scores(whole)) == 7


@pytest.mark.slow
def test_two_runners_share_the_trials(tmp_path):
    both = [runner(tmp_path, LONGER) for _ in range(2)]
    assert [process.wait(300) for process in both] == [0, 0]
    started = Counter((tmp_path / "started").read_text().split())
    assert len(started) == 7
    assert len(scores(tmp_path)) == 7
    assert Path(tmp_path / "results").is_dir()
