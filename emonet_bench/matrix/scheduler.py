"""The scheduler: runs a planned matrix, sources and the longest cells first, as many at once as fit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.matrix.events import Listener
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.lock import RunLocked
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell
from emonet_bench.runs.store import RunStore
from emonet_bench.runs.telemetry import describe_error

_POLL_SECONDS = 0.25
_ELSEWHERE_SECONDS = 1.0  # between two looks at a cell that another process is at work on
_DEATHS = 2  # workers a cell may take down before it counts as failed


@dataclass
class Scheduler:
    """A planned matrix on its way. Several processes may work on one results directory: each takes what is free.

    Attributes:
        cells: All cells, each source before the cells that start from it.
        store: The results directory.
        executors: Starts an executor; called again when the executor has broken.
        room: How many cells may run at once on an executor, asked anew whenever some could start.
        submit: Hands a cell to an executor, with whether a result on disk is to be replaced.
        again: Whether a run that is on disk is to be made again, by its record; None where that cannot be read.
        listener: Who is told.
        cost: How long a cell will take, in any unit.
        following: Says which cells are to be run, too, now that one has ended; with its record, where it has one.
    """

    cells: Sequence[Cell]
    store: RunStore
    executors: Callable[[], Executor]
    room: Callable[[Executor], int]
    submit: Callable[[Executor, Cell, bool], Future[str | None]]
    again: Callable[[RunRecord | None], bool]
    listener: Listener
    cost: Callable[[Cell], float] = lambda _: 0.0
    following: Callable[[Cell, RunRecord | None], Sequence[Cell]] = lambda *_: ()
    _arrived: list[Cell] = field(default_factory=list)
    _executor: Executor = field(init=False)
    _waiting: list[Cell] = field(default_factory=list)
    _running: dict[Future[str | None], Cell] = field(default_factory=dict)
    _stale: dict[str, RunRecord | None] = field(default_factory=dict)  # to be made again; None: unreadable
    _unusable: dict[str, str] = field(default_factory=dict)
    _finished: set[str] = field(default_factory=set)
    _elsewhere: dict[str, float] = field(default_factory=dict)  # when to look again
    _epochs: dict[str, int] = field(default_factory=dict)
    _deaths: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Run every cell that is not on disk yet; returns when nothing is left to do.

        Raises:
            StoreError: Something is left to do, and the results directory cannot be written.
        """
        self._arrived = list(self.cells)
        self._admit()
        if self._waiting:
            self.store.make()
        self._executor = self.executors()
        try:
            while self._waiting or self._running:
                self._fill()
                self._collect()
                self._admit()
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)

    def _admit(self) -> None:
        """Take over what is on disk of the cells that have arrived, and let the others wait for their turn."""
        while self._arrived:
            arrived, self._arrived = self._arrived, []
            left = [cell for cell in arrived if not self._recalled(cell)]
            for cell in needless(left):
                self.listener.skipped(cell, "no cell that is left to run starts from it")
                left.remove(cell)
            self._waiting = in_order([*self._waiting, *left], self.cost)

    def _recalled(self, cell: Cell) -> bool:
        """Take over a result that is on disk, unless it is to be made again."""
        try:
            record = self.store.record(cell.spec, cell.run_id)
        except StoreError as error:
            if not self.again(None):
                self._fail(cell, RunError(type="StoreError", message=str(error)))
                return True
            record = None
        else:
            if record is None or not self.again(record):
                return self._taken_over(cell)
        self._stale[cell.run_id] = record
        return False

    def _taken_over(self, cell: Cell) -> bool:
        try:
            record = self.store.record(cell.spec, cell.run_id)
        except StoreError:
            return False  # it is made again, or just being replaced
        if record is None or (cell.run_id in self._stale and record == self._stale[cell.run_id]):
            return False
        self._conclude(cell, None)
        return True

    def _fill(self) -> None:
        room = self.room(self._executor)
        for cell in list(self._waiting):
            reason = cell.skip or self._unusable.get(cell.source or "")
            ready = cell.source is None or cell.source in self._finished
            if reason:
                self._waiting.remove(cell)
                self._drop(cell, reason)
            elif ready and len(self._running) < room and self._claimed(cell):
                self._start(cell)

    def _claimed(self, cell: Cell) -> bool:
        """Look whether a cell is free; where another process has finished it meanwhile, take its result over."""
        if time.monotonic() < self._elsewhere.get(cell.run_id, 0.0):
            return False
        if self._taken_over(cell):
            self._waiting.remove(cell)
            return False
        if self.store.busy(cell.spec, cell.run_id):
            self._postpone(cell)
            return False
        return True

    def _postpone(self, cell: Cell) -> None:
        if cell.run_id not in self._elsewhere:
            self.listener.elsewhere(cell)
        self._elsewhere[cell.run_id] = time.monotonic() + _ELSEWHERE_SECONDS

    def _start(self, cell: Cell) -> None:
        again = cell.run_id in self._stale
        try:
            future = self.submit(self._executor, cell, again)
        except BrokenExecutor:
            self._executor.shutdown(wait=False)
            self._executor = self.executors()
            future = self.submit(self._executor, cell, again)
        self._waiting.remove(cell)
        self._running[future] = cell
        self.listener.started(cell)

    def _drop(self, cell: Cell, reason: str) -> None:
        self._unusable[cell.run_id] = reason
        self.listener.skipped(cell, reason)
        self._arrived += self.following(cell, None)

    def _collect(self) -> None:
        if not self._running:
            time.sleep(_POLL_SECONDS if self._waiting else 0)  # all that is left is at work elsewhere
        done, _ = wait(self._running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            cell = self._running.pop(future)
            self._follow(cell, self.store.path(cell.spec, cell.run_id))
            error = future.exception()
            if isinstance(error, BrokenExecutor):
                self._bury(cell)
            elif isinstance(error, RunLocked):
                self._waiting.append(cell)
                self._postpone(cell)
            elif error is not None:
                self._fail(cell, describe_error(error))
            else:
                self._conclude(cell, future.result())
        for cell in self._running.values():
            self._follow(cell, self.store.pending(cell.spec, cell.run_id))

    def _conclude(self, cell: Cell, skipped: str | None) -> None:
        try:
            record = self.store.record(cell.spec, cell.run_id)
        except StoreError as error:
            self._fail(cell, RunError(type="StoreError", message=str(error)))
            return
        if skipped is not None or record is None:
            self._drop(cell, skipped or "no result was written")
        elif record.error is not None:
            self._fail(cell, record.error)
        else:
            self._finished.add(cell.run_id)
            self.listener.finished(cell, record)
            self._arrived += self.following(cell, record)

    def _bury(self, cell: Cell) -> None:
        """Take a cell back whose worker has died."""
        self._deaths[cell.run_id] = self._deaths.get(cell.run_id, 0) + 1
        self._epochs.pop(cell.run_id, None)  # they are told again
        if self._deaths[cell.run_id] < _DEATHS:
            self._waiting.insert(0, cell)
        else:
            hint = "where memory runs out the system ends a process without a word: lower --jobs"
            self._fail(cell, RunError(type="WorkerDied", message=f"its worker process died {_DEATHS} times; {hint}"))

    def _fail(self, cell: Cell, error: RunError) -> None:
        self._unusable[cell.run_id] = f"its source {cell.spec.title} failed"
        self.listener.failed(cell, error)
        self._arrived += self.following(cell, None)

    def _follow(self, cell: Cell, directory: Path) -> None:
        """Tell the listener of epochs that the worker has written since the last look."""
        with suppress(StoreError):  # damaged from outside: its worker writes it anew
            for epoch in RunFiles(directory).read_history():
                if epoch.epoch > self._epochs.get(cell.run_id, 0):
                    self._epochs[cell.run_id] = epoch.epoch
                    self.listener.epoch(cell, epoch)


def needless(left: Sequence[Cell]) -> list[Cell]:
    """Find the sources among the cells that are left to run from which none of the others starts."""
    started_from = {cell.source for cell in left if not cell.skip}
    return [cell for cell in left if not (cell.wanted or cell.skip or cell.run_id in started_from)]


def in_order(cells: Sequence[Cell], cost: Callable[[Cell], float]) -> list[Cell]:
    """Sort cells so that the longest come first; a source counts with the longest cell that waits for it."""
    after: dict[str, float] = {}
    for cell in cells:
        if cell.source:
            after[cell.source] = max(after.get(cell.source, 0.0), cost(cell))
    return sorted(cells, key=lambda cell: -cost(cell) - after.get(cell.run_id, 0.0))
