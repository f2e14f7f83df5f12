"""What a terminal shows of a running matrix."""

import io
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from emonet_bench.cli.live import LiveView
from emonet_bench.matrix import queue
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.history import Epoch
from tests.matrix.test_scheduler import cell
from tests.written import finished


@pytest.fixture
def progress(tmp_path):
    cells = [replace(cell("a"), wanted=False), cell("b", source="a"), cell("c")]
    ahead = queue.queued_cells(cells, lambda _: 100.0, lambda _: None, lambda _: False)
    view = LiveView(Console(file=io.StringIO()))
    view.planned(PlannedMatrix(cells, Plugins(Selection(names=())), {}), ahead, tmp_path)
    yield View(view, cells)
    view.ended()


@dataclass
class View:
    """A live view and the cells that it shows."""

    view: LiveView
    cells: list

    def __getattr__(self, name):
        return getattr(self.view, name)


def shown(progress):
    progress.view._next_look = 0.0
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(progress.table())
    return console.file.getvalue()


def test_a_cell_shows_its_epoch_dev_uar_and_the_time_that_it_and_the_matrix_have_left(progress):
    source, _, other = progress.cells
    progress.started(source)
    for epoch in (1, 2):
        progress.epoch(source, Epoch(epoch, 1.0, 0.25 * epoch, 0.01, 30.0))
    (line,) = [line for line in shown(progress).splitlines() if line.startswith("a a s s0")]
    assert "(source)" in line
    assert line.split()[-2:] == ["0.500", f"{(other.spec.training.epochs - 2) // 2}:00"]
    assert "left" in shown(progress).splitlines()[0]
    progress.finished(source, finished(source, seconds={"load": 20, "train": 100}))
    assert "1 finished; about 4 min left" in shown(progress)


def test_a_reason_with_brackets_is_shown_as_it_stands(progress):
    source, dependent, other = progress.cells
    progress.failed(source, RunError(type="OSError", message="[/data/x.wav]: no\nmore"))
    progress.skipped(dependent, "list[int]")
    assert "OSError: [/data/x.wav]: no" in shown(progress)
    assert "list[int]" in shown(progress)
    progress.started(other)
    progress.epoch(other, Epoch(3, 1.0, 0.5, 0.01, 1.0))
    progress.started(other)  # its worker has died
    assert "0.500" not in shown(progress)


def test_what_has_failed_or_is_skipped_needs_no_time(progress):
    source, dependent, other = progress.cells
    progress.started(other)
    progress.epoch(other, Epoch(other.spec.training.epochs - 1, 1.0, 0.5, 0.01, 39.0))
    progress.failed(source, RunError(type="Oops", message=""))
    progress.skipped(dependent, "its source failed")
    assert "about 1 s left" in shown(progress)
