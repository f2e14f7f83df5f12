"""The outcome of a matrix: how many cells have finished, which have failed or were skipped, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emonet_bench.matrix.events import Listener

if TYPE_CHECKING:
    from emonet_bench.runs.facts import RunError
    from emonet_bench.runs.record import RunRecord
    from emonet_bench.runs.spec import Cell


@dataclass
class Outcome(Listener):
    """Keeps account of the cells that have ended.

    Attributes:
        peak_mb: The most memory that a cell is known to take, in MiB; None: of none it is known.
        finished_cells: The cells that are on disk.
        failures: The cells that have failed, each with the reason.
        skips: The cells that were skipped, each with the reason.
    """

    peak_mb: int | None = None
    finished_cells: list[Cell] = field(default_factory=list)
    failures: list[tuple[Cell, str]] = field(default_factory=list)
    skips: list[tuple[Cell, str]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Cells by state: finished, failed, skipped."""
        return {"finished": len(self.finished_cells), "failed": len(self.failures), "skipped": len(self.skips)}

    @property
    def cells(self) -> list[Cell]:
        """The cells that have finished or failed."""
        return [*self.finished_cells, *(cell for cell, _ in self.failures)]

    def finished(self, cell: Cell, record: RunRecord) -> None:
        """Count a cell, and remember the most memory that any has taken."""
        self.finished_cells.append(cell)
        known = (self.peak_mb, record.peak_memory_mb)
        self.peak_mb = max((memory for memory in known if memory is not None), default=None)

    def failed(self, cell: Cell, error: RunError) -> None:
        """Keep why a cell failed."""
        self.failures.append((cell, f"{error.type}: {error.message}"))

    def skipped(self, cell: Cell, reason: str) -> None:
        """Keep why a cell was skipped."""
        self.skips.append((cell, reason))
