"""Results by other code: new runs are made, the old ones are found, told, reused where that is asked for, and not exported."""

import shutil
from dataclasses import replace

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.library import run_matrix
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.plan import matrix_source, plan
from emonet_bench.matrix.planning.stale import check_code, stale_notes, with_stale
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.store import RunStore
from tests.in_process import cells_in_this_process

PLUGIN = """
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.types import Architecture


class NoOptions(Options):
    pass


def build(options, input_spec):
    import torch
    from torch import nn

    class Loudness(nn.Module):
        dim = 2

        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(2, 2)

        def embed(self, waveform, lengths=None):
            return self.dense(torch.stack([waveform.mean(-1), waveform.abs().mean(-1)], -1))

        def adapter_points(self):
            return {}

    return Loudness()


@hookimpl
def emonet_architectures():
    return [Architecture("loudness", "toy", NoOptions, build)]
"""
MATRIX = {
    "corpora": ["synthetic-acted", "synthetic-calls"],
    "architectures": ["loudness", "chance"],
    "strategies": ["scratch", "finetune"],
    "exclude": [{"architecture": "chance", "strategy": "finetune"}],
    "training": {"epochs": 1, "batch_size": 8, "limit": 8, "device": "cpu", "precision": "float32"},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A directory with a plugin in a single file, and results of the code that it had."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "mine.py").write_text(PLUGIN)
    with cells_in_this_process():
        run_matrix(MATRIX, results=folder / "results", plugins=Selection(files=(folder / "mine.py",)))
    return folder


@pytest.fixture
def edited(ran, tmp_path):
    """The same, and the plugin was edited afterwards."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    (tmp_path / "mine.py").write_text(f"{PLUGIN}\n# edited")
    return tmp_path


def planned(folder, **options):
    made = plan(matrix_source(MATRIX), Plugins(Selection(files=(folder / "mine.py",))))
    return with_stale(made, RunOptions(folder / "results", **options))


def on_disk(folder, cells):
    store = RunStore(folder / "results")
    return [store.path(cell.spec, cell.run_id).is_dir() for cell in cells]


def test_the_same_code_finds_its_results_and_nothing_stale(ran):
    made = planned(ran)
    assert all(on_disk(ran, made.cells))
    assert stale_notes(made) == []


def test_edited_code_makes_new_runs_and_says_how_many_old_ones_there_are(edited):
    made = planned(edited)
    changed = [cell for cell in made.cells if cell.spec.architecture == "loudness"]
    assert not any(on_disk(edited, changed))
    assert made.stale.keys() == {cell.run_id for cell in changed}, "what starts from them is stale, too"
    assert stale_notes(made) == ["4 from other code of mine: trained anew; --reuse takes them as they are"]


def test_other_code_is_reused_where_that_is_asked_for(edited):
    made = planned(edited, reuse=True)
    assert all(on_disk(edited, made.cells))
    assert stale_notes(made) == ["4 from other code of mine: taken as they are"]
    assert {made.cost(cell) for cell in made.cells} >= {8.0}, "each cell still has its cost"


def test_what_starts_from_a_reused_run_starts_from_its_weights(edited):
    for directory in (edited / "results").glob("*-finetune-*"):
        shutil.rmtree(directory)
    before, made = planned(edited), planned(edited, reuse=True)
    transfer = [cell for cell in made.cells if cell.source]
    assert [cell.spec.source for cell in transfer] == [cell.source for cell in transfer]
    assert on_disk(edited, [cell for cell in made.cells if not cell.source]) == [True] * 4
    assert not {cell.run_id for cell in transfer} & {cell.run_id for cell in before.cells}
    assert len(before.stale) == 2


@pytest.mark.parametrize(
    "other", [{"seeds": [1]}, {"training": {**MATRIX["training"], "limit": 10}}, {"corpora": ["synthetic-calls"]}]
)
def test_another_recipe_is_not_stale(edited, other):
    source = matrix_source({**MATRIX, **other, "strategies": ["scratch"]})
    made = plan(source, Plugins(Selection(files=(edited / "mine.py",))))
    found = with_stale(made, RunOptions(edited / "results")).stale
    assert len(found) == (1 if "corpora" in other else 0)


def test_a_damaged_record_is_no_stale_run(edited):
    for record in (edited / "results").glob("*/result.json"):
        record.write_text("{")
    made = planned(edited)
    assert made.stale == {}


def test_a_run_by_other_code_is_not_exported_unawares(ran, edited):
    (run,) = (ran / "results").glob("synthetic-acted-loudness-scratch-*")
    record = RunFiles(run).read_record()
    check_code(record, Plugins(Selection(files=(ran / "mine.py",))), run)
    with pytest.raises(ConfigError, match=r"trained by the code sha256:.* of plugin mine, .*--any-code"):
        check_code(record, Plugins(Selection(files=(edited / "mine.py",))), run)


def test_a_source_file_has_no_recipe_but_its_hash(edited):
    (run,) = (edited / "results").glob("synthetic-calls-loudness-scratch-*")
    values = {**MATRIX, "corpora": ["synthetic-acted"], "strategies": ["finetune"], "source": str(run)}
    del values["exclude"]
    made = plan(
        matrix_source({**values, "architectures": ["loudness"]}), Plugins(Selection(files=(edited / "mine.py",)))
    )
    assert with_stale(replace(made), RunOptions(edited / "results")).stale == {}
