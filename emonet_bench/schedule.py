"""Running a planned matrix: sources first, as many cells at once as there are workers, each failure alone."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from emonet_bench.runs import Cell
from emonet_bench.store import RunStore

_POLL_SECONDS = 0.25
_DEATHS = 2  # workers a cell may take down before it counts as failed


class Listener(Protocol):
    """Hears what happens to the cells, in the main process."""

    def started(self, cell: Cell) -> None:
        """A worker has the cell."""

    def epoch(self, cell: Cell, row: Mapping[str, float]) -> None:
        """An epoch has ended; ``row`` is a line of ``history.csv``."""

    def finished(self, cell: Cell, record: Mapping[str, Any]) -> None:
        """The cell is on disk, finished."""

    def failed(self, cell: Cell, error: Mapping[str, str]) -> None:
        """The cell has failed."""

    def skipped(self, cell: Cell, reason: str) -> None:
        """The cell cannot be run."""


@dataclass
class Matrix:
    """A planned matrix on its way.

    Attributes:
        cells: All cells, each source before the cells that start from it.
        store: The results directory.
        executors: Starts an executor.
        workers: How many cells run at once.
        submit: Hands a cell to an executor.
        again: Whether a record that is on disk is to be made again.
        listener: Who is told.
    """

    cells: Sequence[Cell]
    store: RunStore
    executors: Callable[[], Executor]
    workers: int
    submit: Callable[[Executor, Cell], Future[str | None]]
    again: Callable[[Mapping[str, Any]], bool]
    listener: Listener
    _executor: Executor = field(init=False)
    _broken: bool = False
    _waiting: list[Cell] = field(default_factory=list)
    _running: dict[Future[str | None], Cell] = field(default_factory=dict)
    _unusable: dict[str, str] = field(default_factory=dict)
    _finished: set[str] = field(default_factory=set)
    _epochs: dict[str, int] = field(default_factory=dict)
    _deaths: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Run every cell that is not on disk yet; returns when nothing is left to do."""
        self._waiting = [cell for cell in self.cells if not self._recalled(cell)]
        self._executor = self.executors()
        try:
            while self._waiting or self._running:
                self._fill()
                self._collect()
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _recalled(self, cell: Cell) -> bool:
        """Take over a result that is on disk, unless it is to be made again."""
        record = self.store.record(cell.spec, cell.run_id)
        if record is None or self.again(record):
            return False
        self._conclude(cell, None)
        return True

    def _fill(self) -> None:
        for cell in list(self._waiting):
            reason = cell.skip or self._unusable.get(cell.source or "")
            ready = cell.source is None or cell.source in self._finished
            if reason:
                self._drop(cell, reason)
            elif ready and len(self._running) < self.workers and not self._broken:
                self._waiting.remove(cell)
                self._running[self.submit(self._executor, cell)] = cell
                self.listener.started(cell)

    def _drop(self, cell: Cell, reason: str) -> None:
        self._waiting.remove(cell)
        self._unusable[cell.run_id] = reason
        self.listener.skipped(cell, reason)

    def _collect(self) -> None:
        done, _ = wait(self._running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            cell = self._running.pop(future)
            self._follow(cell, self.store.path(cell.spec, cell.run_id))
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                self._broken = True
                self._bury(cell)
            elif error is not None:
                self._fail(cell, {"type": type(error).__name__, "message": str(error)})
            else:
                self._conclude(cell, future.result())
        for cell in self._running.values():
            self._follow(cell, self.store.pending(cell.spec, cell.run_id))
        if self._broken and not self._running:  # all of a broken executor's cells have come back
            self._executor.shutdown(wait=False)
            self._executor, self._broken = self.executors(), False

    def _conclude(self, cell: Cell, skipped: str | None) -> None:
        record = self.store.record(cell.spec, cell.run_id)
        if skipped is not None or record is None:
            reason = skipped or "no result was written"
            self._unusable[cell.run_id] = reason
            self.listener.skipped(cell, reason)
        elif "error" in record:
            self._fail(cell, record["error"])
        else:
            self._finished.add(cell.run_id)
            self.listener.finished(cell, record)

    def _bury(self, cell: Cell) -> None:
        """Take a cell back whose worker has died; which of the running cells was to blame cannot be told."""
        self._deaths[cell.run_id] = self._deaths.get(cell.run_id, 0) + 1
        if self._deaths[cell.run_id] < _DEATHS:
            self._waiting.insert(0, cell)
        else:
            self._fail(cell, {"type": "WorkerDied", "message": f"its worker process died {_DEATHS} times"})

    def _fail(self, cell: Cell, error: Mapping[str, str]) -> None:
        self._unusable[cell.run_id] = f"its source {cell.spec.title} failed"
        self.listener.failed(cell, error)

    def _follow(self, cell: Cell, directory: Path) -> None:
        """Tell the listener of epochs that the worker has written since the last look."""
        try:
            with (directory / "history.csv").open(encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except OSError:
            return
        for row in rows:
            if int(row["epoch"]) > self._epochs.get(cell.run_id, 0):
                self._epochs[cell.run_id] = int(row["epoch"])
                self.listener.epoch(cell, {key: float(value) for key, value in row.items()})
