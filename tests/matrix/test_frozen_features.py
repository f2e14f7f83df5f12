"""Frozen features of a matrix: built ahead, by several processes, and used by its cells."""

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.features.inventory import stored_features
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.frozen_features import build_features
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import Cell, RunSpec, run_id
from emonet_bench.runs.store import RunStore

RECIPE = Training(epochs=2, batch_size=4, window=0.5, device="cpu", precision="float32", limit=6)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_FEATURES_DIR", str(tmp_path / "features"))
    return tmp_path / "features"


def job(results, architecture="svm", seed=0, source=None, **options):
    plugins = Plugins()
    spec = RunSpec(
        corpus="synthetic-calls",
        protocol=next(iter(plugins.corpora["synthetic-calls"].protocols)),
        architecture=architecture,
        architecture_options=plugins.architectures[architecture].options(**options).model_dump(mode="json"),
        strategy="scratch",
        strategy_options={},
        training=RECIPE,
        seed=seed,
    )
    return Job(Cell(spec, run_id(spec, {})), Selection(), results, source)


def quiet(*_):
    """Hear no progress."""


@pytest.mark.parametrize("processes", [1, 3])
def test_cells_find_what_was_built_ahead(tmp_path, folder, monkeypatch, processes):
    jobs = [job(tmp_path, name) for name in ("svm", "logistic", "knn")]
    built = build_features(jobs, quiet, processes)
    assert [one.reason for one in built] == ["", "", ""]
    (kept,) = stored_features(folder)
    assert kept.clips == 18
    times = {path: path.stat().st_mtime_ns for path in kept.path.glob("*.safetensors")}

    def unwanted(*_):
        raise AssertionError("features are computed again")

    monkeypatch.setattr("emonet_baselines.svm.SvmNetwork.frozen", unwanted)
    assert run_cell(jobs[0]) is None
    record = RunStore(tmp_path).record(jobs[0].cell.spec, jobs[0].cell.run_id)
    assert not record.failed
    assert {path: path.stat().st_mtime_ns for path in kept.path.glob("*.safetensors")} == times


def test_progress_names_the_cell_and_ends_with_all_of_its_clips(tmp_path):
    told = []
    build_features([job(tmp_path)], lambda *now: told.append(now))
    assert told[-1] == ("synthetic-calls svm scratch s0", 18, 18)


def test_a_cell_whose_source_is_not_trained_yet_says_so(tmp_path):
    (built,) = build_features([job(tmp_path, source=tmp_path / "nowhere")], quiet)
    assert built.reason == "its source is not trained yet"


def test_architectures_without_a_frozen_part_keep_nothing(tmp_path, folder):
    (built,) = build_features([job(tmp_path, "chance")], quiet)
    assert built.reason == ""
    assert stored_features(folder) == []


@pytest.mark.parametrize("features", ["off", "float32"])
def test_a_cell_has_the_same_scores_however_its_features_are_kept(tmp_path, features):
    scores = []
    for given in (None, features):
        one = job(tmp_path / str(given))
        changed = one.cell.spec.model_copy(update={"training": RECIPE.model_copy(update={"features": given})})
        one = Job(Cell(changed, one.cell.run_id), one.selection, one.results)
        run_cell(one)
        path = RunStore(one.results).path(changed, one.cell.run_id)
        scores.append((path / "predictions.csv").read_bytes())
    assert scores[0] == scores[1]
    assert torch.get_num_threads() == 1
