"""Progress lines: one for each cell that ends, for notebooks, logs and pipes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench.escaping import one_line, printable
from emonet_bench.matrix.events import Listener
from emonet_bench.matrix.planning.stale import stale_notes
from emonet_bench.matrix.search.on_disk import other_search_notes
from emonet_bench.metrics.choice import words

if TYPE_CHECKING:
    from emonet_bench.matrix.planning.plan import PlannedMatrix
    from emonet_bench.matrix.queue import QueuedCell
    from emonet_bench.runs.facts import RunError
    from emonet_bench.runs.history import Epoch
    from emonet_bench.runs.record import RunRecord
    from emonet_bench.runs.spec import Cell


class ProgressLines(Listener):
    """Prints a line for each cell that ends: ``[3/8] emodb cnn scratch s0: finished, test UAR 0.612``.

    Args:
        write: Prints a line; None: to standard output, which a notebook shows below its cell.
        epochs: Whether every epoch has a line, too.
    """

    def __init__(self, write: Callable[[str], object] | None = None, *, epochs: bool = False) -> None:
        self._print, self._epochs = write or _to_stdout, epochs
        self._total = self._done = 0
        self._started: set[str] = set()

    def planned(self, matrix: PlannedMatrix, ahead: Sequence[QueuedCell], results: Path) -> None:
        """Count the cells, and tell of results by other code and other searches."""
        del ahead
        self._total, self._done = len(matrix.cells), 0
        for note in (*stale_notes(matrix), *other_search_notes(matrix.studies, results)):
            self._print(note)

    def proposed(self, cells: Sequence[Cell], ahead: Sequence[QueuedCell]) -> None:
        """Count the cells of a search."""
        del ahead
        self._total += len(cells)

    def started(self, cell: Cell) -> None:
        """Remember which results are new."""
        self._started.add(cell.run_id)

    def epoch(self, cell: Cell, epoch: Epoch) -> None:
        """Print an epoch, where that is wanted."""
        if self._epochs:
            last = cell.spec.training.epochs
            self._print(
                f"{cell.spec.title}: epoch {epoch.epoch} of {last}, dev {words(epoch.selection)} {epoch.dev_score:.3f}"
            )

    def finished(self, cell: Cell, record: RunRecord) -> None:
        """Print a cell's test UAR, of a trial its dev UAR."""
        known = "" if cell.run_id in self._started else " (on disk already)"
        part, scores = record.score
        metric, score = scores.headline
        self._end(cell, f"finished, {part} {metric} {score:.3f}{known}")

    def failed(self, cell: Cell, error: RunError) -> None:
        """Print why a cell failed."""
        self._end(cell, f"failed, {error.type}: {error.message}")

    def skipped(self, cell: Cell, reason: str) -> None:
        """Print why a cell is skipped."""
        self._end(cell, f"skipped, {reason}")

    def _end(self, cell: Cell, what: str) -> None:
        self._done += 1
        self._print(f"[{self._done}/{self._total}] {cell.spec.title}: {one_line(what)}")


def _to_stdout(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()
