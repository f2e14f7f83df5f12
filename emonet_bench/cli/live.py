"""The live view: a running matrix as a table in a terminal that changes as its cells go on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from emonet_bench.matrix import queue
from emonet_bench.matrix.events import Listener
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.planning.stale import stale_notes
from emonet_bench.matrix.search.on_disk import other_search_notes
from emonet_bench.metrics.choice import words
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.history import Epoch
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell, directory_name

_LOOK_SECONDS = 3.0
_SHOWN = 16  # rows of the live table; a terminal shows at least this many lines


@dataclass
class _Row:
    cell: Cell
    state: str = "waiting"
    epoch: int = 0
    seconds: float = 0.0  # that these epochs took
    score: float | None = None
    selection: str = "uar"
    note: str = ""


class LiveView(Listener):
    """Draws the cells of a running matrix in a terminal: their epochs, scores on dev and the time left.

    Args:
        console: Where to draw.
    """

    def __init__(self, console: Console) -> None:
        self._rows: dict[str, _Row] = {}
        self._names: dict[str, str] = {}
        self._ahead: Sequence[queue.QueuedCell] = ()
        self._spent: dict[str, float] = {}
        self._next_look, self._told_left = 0.0, ""
        self._live = Live(get_renderable=self.table, console=console, refresh_per_second=4, transient=True)

    def planned(self, matrix: PlannedMatrix, ahead: Sequence[queue.QueuedCell], results: Path) -> None:
        """Begin to draw."""
        self._rows, self._names, self._ahead = {}, {}, []
        self.proposed(matrix.cells, ahead)
        for note in (*stale_notes(matrix), *other_search_notes(matrix.studies, results)):
            self._live.console.print(note, markup=False, soft_wrap=True)
        self._live.start()

    def proposed(self, cells: Sequence[Cell], ahead: Sequence[queue.QueuedCell]) -> None:
        """Draw the cells of a search, too."""
        self._rows |= {cell.run_id: _Row(cell) for cell in cells}
        self._names |= {cell.run_id: directory_name(cell.spec, cell.run_id) for cell in cells}
        self._ahead = [*self._ahead, *ahead]

    def ended(self) -> None:
        """Stop drawing; nothing is left of it in the terminal."""
        self._live.stop()

    def started(self, cell: Cell) -> None:
        """Mark a cell as running, from its first epoch on."""
        self._rows[cell.run_id] = _Row(cell, "running")

    def epoch(self, cell: Cell, epoch: Epoch) -> None:
        """Show a cell's newest epoch."""
        shown = self._rows[cell.run_id]
        shown.epoch, shown.score = epoch.epoch, epoch.dev_score
        shown.selection = epoch.selection
        shown.seconds += epoch.seconds

    def elsewhere(self, cell: Cell) -> None:
        """Show that another process is at work on the cell."""
        self._note(cell, "elsewhere", "another process has it")

    def finished(self, cell: Cell, record: RunRecord) -> None:
        """Show a cell's test UAR, of a trial its dev UAR."""
        self._spent[self._names[cell.run_id]] = sum(record.seconds.values())
        fresh = self._rows[cell.run_id].state == "running"
        part, scores = record.score
        told = "{} {} {:.3f}".format(part, *scores.headline)
        self._note(cell, "finished", told if fresh else f"{told} (on disk already)")

    def failed(self, cell: Cell, error: RunError) -> None:
        """Show why a cell failed."""
        self._note(cell, "failed", f"{error.type}: {error.message}")

    def skipped(self, cell: Cell, reason: str) -> None:
        """Show why a cell is skipped."""
        self._note(cell, "skipped", reason)

    def _note(self, cell: Cell, state: str, note: str) -> None:
        row = self._rows[cell.run_id]
        row.state, row.note = state, note

    def table(self) -> Table:
        """Return what is drawn at this moment."""
        table = Table(title=self._title(), box=None, title_justify="left", pad_edge=False)
        dev = f"dev {words(selection)}" if (selection := self._selection()) else "dev"
        for column in ("cell", "state", "epoch", "", dev, "left"):
            table.add_column(column, justify="right" if column in ("epoch", dev, "left") else "left", no_wrap=True)
        rows = sorted(self._rows.values(), key=lambda row: _ORDER[row.state])
        for row in rows[:_SHOWN]:
            table.add_row(*_columns(row))
        if len(rows) > _SHOWN:
            table.add_row(f"and {len(rows) - _SHOWN} more")
        return table

    def _selection(self) -> str | None:
        """Return the metric that selects in all of the cells that are drawn; None where they differ."""
        names = {row.selection for row in self._rows.values() if row.score is not None}
        return next(iter(names)) if len(names) == 1 else None if names else "uar"

    def _title(self) -> str:
        counts = Counter(row.state for row in self._rows.values())
        ended = "".join(f", {counts[state]} {state}" for state in ("finished", "failed", "skipped") if counts[state])
        told = f"{len(self._rows)} cells: {counts['running']} running, {counts['waiting']} waiting{ended}"
        return f"{told}{self._left()}"

    def _left(self) -> str:
        """Say how long is left; looked at anew after some seconds, for a matrix may have thousands of cells."""
        if time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + _LOOK_SECONDS
            rows = [(self._names[run_id], row) for run_id, row in self._rows.items()]
            running = {name: (row.epoch, row.seconds) for name, row in rows if row.state == "running"}
            given_up = {name for name, row in rows if row.state in ("failed", "skipped")}
            self._told_left = str(queue.time_remaining(self._ahead, self._spent, given_up, running))
        return self._told_left


_ORDER = {"running": 0, "failed": 1, "elsewhere": 2, "waiting": 3, "finished": 4, "skipped": 5}
_STYLE = {
    "running": "cyan",
    "failed": "red",
    "elsewhere": "magenta",
    "waiting": "dim",
    "finished": "green",
    "skipped": "yellow",
}


def _columns(row: _Row) -> list[Any]:
    total = row.cell.spec.training.epochs
    bar = ProgressBar(total, row.epoch, width=16) if row.state == "running" else ""
    return [
        row.cell.spec.title if row.cell.wanted else f"{row.cell.spec.title} (source)",
        Text(row.state, _STYLE[row.state]),
        f"{row.epoch}/{total}" if row.epoch else "",
        bar if row.state == "running" else Text(row.note.partition("\n")[0][:28]),
        ""
        if row.score is None
        else f"{row.score:.3f}"
        if row.selection == "uar"
        else f"{row.selection} {row.score:.3f}",
        _left(row, total),
    ]


def _left(row: _Row, total: int) -> str:
    if row.state != "running" or not row.epoch:
        return ""
    seconds = row.seconds / row.epoch * (total - row.epoch)
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"
