"""Scalars for TensorBoard, written by the plugin through the host and read by TensorBoard itself."""

import sys
import warnings

import pytest

from emonet_bench.matrix.lifecycle import LifecycleHooks
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.history import Epoch
from tests.matrix.test_scheduler import cell
from tests.written import finished

SCORES = {part: {"uar": uar, "accuracy": 0.5} for part, uar in (("dev", 0.75), ("test", 0.625))}

CELLS = [cell("a"), cell("b")]


@pytest.fixture
def progress(tmp_path):
    plugins = Plugins(Selection(names=("tensorboard",), strict=True))
    hooks = LifecycleHooks()
    hooks.planned(PlannedMatrix(CELLS, plugins, {}), (), tmp_path)
    return hooks


def trained(progress, cell, epochs):
    progress.started(cell)
    for epoch in range(1, epochs + 1):
        progress.epoch(cell, Epoch(epoch, 1 / epoch, 0.25 * epoch, 0.001, 1.0))


def read(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whatever TensorBoard's own dependencies say
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder)).Reload()
    return {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_epochs_and_scores_are_there_for_tensorboard_to_read(progress, tmp_path):
    pytest.importorskip("tensorboard")
    first, second = CELLS
    trained(progress, first, 2)
    folders = tmp_path / ".tensorboard"
    (running,) = folders.iterdir()
    assert read(running)["epoch/dev_uar"] == [(1, 0.25), (2, 0.5)], "to be seen while the cell runs"
    progress.finished(first, finished(first, scores=SCORES, best_epoch=2))
    trained(progress, second, 1)
    progress.failed(second, RunError(type="Oops", message=""))
    assert read(running) == {
        "epoch/loss": [(1, 1.0), (2, 0.5)],
        "epoch/dev_uar": [(1, 0.25), (2, 0.5)],
        "epoch/learning_rate": [(1, pytest.approx(0.001)), (2, pytest.approx(0.001))],
        "dev/uar": [(2, 0.75)],
        "dev/accuracy": [(2, 0.5)],
        "test/uar": [(2, 0.625)],
        "test/accuracy": [(2, 0.5)],
    }
    (failed,) = {*folders.iterdir()} - {running}
    assert read(failed)["epoch/loss"] == [(1, 1.0)]


def test_a_cell_that_is_told_again_from_its_first_epoch_is_there_once(progress, tmp_path):
    pytest.importorskip("tensorboard")
    for _ in range(2):
        trained(progress, CELLS[0], 2)
    progress.failed(CELLS[0], RunError(type="Oops", message=""))
    (folder,) = (tmp_path / ".tensorboard").iterdir()
    assert read(folder)["epoch/loss"] == [(1, 1.0), (2, 0.5)]


def test_without_tensorboard_nothing_is_written_and_nothing_said(progress, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    trained(progress, CELLS[0], 1)
    progress.finished(CELLS[0], finished(CELLS[0], scores=SCORES, best_epoch=2))
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")
