"""The events of a running matrix: who listens hears of every cell, in the main process."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench.errors import EmonetBenchError

if TYPE_CHECKING:
    from emonet_bench.matrix.planning.plan import PlannedMatrix
    from emonet_bench.matrix.queue import QueuedCell
    from emonet_bench.runs.facts import RunError
    from emonet_bench.runs.history import Epoch
    from emonet_bench.runs.record import RunRecord
    from emonet_bench.runs.spec import Cell


class Listener:
    """Hears what happens to the cells of a matrix. Derive from it and override what you want to hear.

    An exception that a listener raises is a warning that names it, and the matrix goes on; an ``EmonetBenchError``
    stops it.
    """

    def reading(self, corpus: str, done: int, total: int) -> None:
        """Hear that some of a corpus's clips are decoded, before anything is planned; ``total`` of them are to be."""

    def planned(self, matrix: PlannedMatrix, ahead: Sequence[QueuedCell], results: Path) -> None:
        """Hear that the cells are known and work begins.

        Args:
            matrix: All cells, with what they cost.
            ahead: The cells in short, for an estimate of the time left.
            results: The results directory.
        """

    def proposed(self, cells: Sequence[Cell], ahead: Sequence[QueuedCell]) -> None:
        """Hear that a search has added cells: trials, or the runs of those that it has chosen.

        Args:
            cells: The cells.
            ahead: The same in short, as in ``planned``.
        """

    def started(self, cell: Cell) -> None:
        """Hear that a worker has the cell; again, where its first worker has died."""

    def epoch(self, cell: Cell, epoch: Epoch) -> None:
        """Hear that an epoch has ended."""

    def elsewhere(self, cell: Cell) -> None:
        """Hear that another process is at work on the cell."""

    def finished(self, cell: Cell, record: RunRecord) -> None:
        """Hear that the cell is on disk, finished. One that was there before has not started."""

    def failed(self, cell: Cell, error: RunError) -> None:
        """Hear that the cell has failed."""

    def skipped(self, cell: Cell, reason: str) -> None:
        """Hear that the cell cannot be run."""

    def ended(self) -> None:
        """Hear that nothing is left to do, or that the work was interrupted."""


class Listeners(Listener):
    """Tells several listeners of each event, in turn. One that raises is warned about once, and is still told the rest.

    Args:
        listeners: Whom to tell. They need not derive from ``Listener``; what they lack is not told them.
    """

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._listeners = list(listeners)
        self._complained: set[int] = set()

    def _tell(self, event: str, *arguments: Any) -> None:
        for listener in self._listeners:
            hear = getattr(listener, event, None)
            if hear is None:
                continue
            try:
                hear(*arguments)
            except EmonetBenchError:  # a verdict, such as a plugin's that is loaded strictly
                raise
            except Exception as error:  # noqa: BLE001 - a user's code may raise anything, and the matrix goes on
                self._complain(listener, event, error)

    def _complain(self, listener: object, event: str, error: Exception) -> None:
        if id(listener) in self._complained:
            return
        self._complained.add(id(listener))
        name = type(listener).__qualname__
        warnings.warn(f"listener {name}: {event} raised {error!r}; the matrix goes on", RuntimeWarning, stacklevel=4)

    def reading(self, corpus: str, done: int, total: int) -> None:  # noqa: D102 - as in Listener, and so below
        self._tell("reading", corpus, done, total)

    def planned(self, matrix: PlannedMatrix, ahead: Sequence[QueuedCell], results: Path) -> None:  # noqa: D102
        self._tell("planned", matrix, ahead, results)

    def proposed(self, cells: Sequence[Cell], ahead: Sequence[QueuedCell]) -> None:  # noqa: D102
        self._tell("proposed", cells, ahead)

    def started(self, cell: Cell) -> None:  # noqa: D102
        self._tell("started", cell)

    def epoch(self, cell: Cell, epoch: Epoch) -> None:  # noqa: D102
        self._tell("epoch", cell, epoch)

    def elsewhere(self, cell: Cell) -> None:  # noqa: D102
        self._tell("elsewhere", cell)

    def finished(self, cell: Cell, record: RunRecord) -> None:  # noqa: D102
        self._tell("finished", cell, record)

    def failed(self, cell: Cell, error: RunError) -> None:  # noqa: D102
        self._tell("failed", cell, error)

    def skipped(self, cell: Cell, reason: str) -> None:  # noqa: D102
        self._tell("skipped", cell, reason)

    def ended(self) -> None:  # noqa: D102
        self._tell("ended")
