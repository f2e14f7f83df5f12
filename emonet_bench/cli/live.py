"""What a running matrix looks like: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from emonet_bench.matrix import queue
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.history import Epoch
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell, RunResult, directory_name

_LOOK_SECONDS = 3.0
_SHOWN = 16  # rows of the live table; a terminal shows at least this many lines


@dataclass
class _Row:
    cell: Cell
    state: str = "waiting"
    epoch: int = 0
    seconds: float = 0.0  # that these epochs took
    uar: float | None = None
    note: str = ""


@dataclass
class Progress:
    """Follows the cells of a matrix and tells plugins, too.

    Attributes:
        cells: All cells.
        plugins: Whose lifecycle hooks are called.
        console: Where to draw.
        results: The results directory.
        ahead: The cells in short, for an estimate of the time left.
        counts: Cells by state: finished, failed, skipped.
        peak_mb: The most memory that a cell has taken so far, in MiB; None where none has finished yet.
    """

    cells: Sequence[Cell]
    plugins: Plugins
    console: Console
    results: Path
    ahead: Sequence[queue.QueuedCell] = ()
    counts: dict[str, int] = field(default_factory=lambda: {"finished": 0, "failed": 0, "skipped": 0})
    peak_mb: int | None = None

    def __post_init__(self) -> None:
        self._rows = {cell.run_id: _Row(cell) for cell in self.cells}
        self._names = {cell.run_id: directory_name(cell.spec, cell.run_id) for cell in self.cells}
        self._spent: dict[str, float] = {}
        self._next_look, self._told_left = 0.0, ""
        self._live = Live(get_renderable=self._table, console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._live.stop()

    def started(self, cell: Cell) -> None:
        """Mark a cell as running, from its first epoch on."""
        self._rows[cell.run_id] = _Row(cell, "running")
        self.plugins.notify("emonet_run_started", spec=cell.spec, directory=self._directory(cell))

    def epoch(self, cell: Cell, epoch: Epoch) -> None:
        """Show a cell's newest epoch."""
        shown, row = self._rows[cell.run_id], asdict(epoch)
        shown.epoch, shown.uar = epoch.epoch, epoch.dev_uar
        shown.seconds += epoch.seconds
        self.plugins.notify(
            "emonet_epoch_finished", spec=cell.spec, epoch=shown.epoch, scores=row, directory=self._directory(cell)
        )

    def elsewhere(self, cell: Cell) -> None:
        """Show that another process is at work on the cell."""
        row = self._rows[cell.run_id]
        row.state, row.note = "elsewhere", "another process has it"

    def finished(self, cell: Cell, record: RunRecord) -> None:
        """Show a cell's test UAR."""
        self.peak_mb = max(self.peak_mb or 0, record.peak_memory_mb or 0)
        self._spent[self._names[cell.run_id]] = sum(record.seconds.values())
        uar = record.test.uar
        fresh = self._rows[cell.run_id].state == "running"
        self._end(cell, "finished", f"test UAR {uar:.3f}" if fresh else f"test UAR {uar:.3f} (on disk already)")
        if fresh:
            result = RunResult(cell.run_id, cell.spec, record.plain())
            self.plugins.notify("emonet_run_finished", spec=cell.spec, result=result, directory=self._directory(cell))

    def failed(self, cell: Cell, error: RunError) -> None:
        """Show why a cell failed."""
        fresh = self._rows[cell.run_id].state == "running"
        self._end(cell, "failed", f"{error.type}: {error.message}")
        if fresh:
            self.plugins.notify("emonet_run_failed", spec=cell.spec, error=error, directory=self._directory(cell))

    def skipped(self, cell: Cell, reason: str) -> None:
        """Show why a cell is skipped."""
        self._end(cell, "skipped", reason)

    @property
    def skips(self) -> list[tuple[Cell, str]]:
        """The cells that were skipped, each with the reason."""
        return self._ended("skipped")

    @property
    def failures(self) -> list[tuple[Cell, str]]:
        """The cells that have failed, each with the reason."""
        return self._ended("failed")

    def _ended(self, state: str) -> list[tuple[Cell, str]]:
        return [(row.cell, row.note) for row in self._rows.values() if row.state == state]

    def _directory(self, cell: Cell) -> Path:
        return self.results / self._names[cell.run_id]

    def _end(self, cell: Cell, state: str, note: str) -> None:
        row = self._rows[cell.run_id]
        row.state, row.note = state, note
        self.counts[state] += 1
        if not self.console.is_terminal:
            done = sum(self.counts.values())
            with suppress(OSError):  # a full disk is no reason to stop
                self.console.print(
                    f"[{done}/{len(self.cells)}] {cell.spec.title}: {state}, {note}", markup=False, soft_wrap=True
                )

    def _table(self) -> Table:
        table = Table(title=self._title(), box=None, title_justify="left", pad_edge=False)
        for column in ("cell", "state", "epoch", "", "dev UAR", "left"):
            table.add_column(
                column, justify="right" if column in ("epoch", "dev UAR", "left") else "left", no_wrap=True
            )
        rows = sorted(self._rows.values(), key=lambda row: _ORDER[row.state])
        for row in rows[:_SHOWN]:
            table.add_row(*_columns(row))
        if len(rows) > _SHOWN:
            table.add_row(f"and {len(rows) - _SHOWN} more")
        return table

    def _title(self) -> str:
        waiting = sum(row.state == "waiting" for row in self._rows.values())
        running = sum(row.state == "running" for row in self._rows.values())
        ended = ", ".join(f"{count} {state}" for state, count in self.counts.items() if count)
        told = f"{len(self._rows)} cells: {running} running, {waiting} waiting" + (f", {ended}" if ended else "")
        return f"{told}{self._left()}"

    def _left(self) -> str:
        """Say how long is left; looked at anew after some seconds, for a matrix may have thousands of cells."""
        if time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + _LOOK_SECONDS
            rows = [(self._names[run_id], row) for run_id, row in self._rows.items()]
            running = {name: (row.epoch, row.seconds) for name, row in rows if row.state == "running"}
            given_up = {name for name, row in rows if row.state in ("failed", "skipped")}
            self._told_left = str(queue.time_remaining(self.ahead, self._spent, given_up, running))
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
        "" if row.uar is None else f"{row.uar:.3f}",
        _left(row, total),
    ]


def _left(row: _Row, total: int) -> str:
    if row.state != "running" or not row.epoch:
        return ""
    seconds = row.seconds / row.epoch * (total - row.epoch)
    return f"{int(seconds // 60)}:{int(seconds % 60):02}"
