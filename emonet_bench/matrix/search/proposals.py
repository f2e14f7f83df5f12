"""Proposals: the cells that the studies of a matrix want run next, as those before them end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from emonet_bench.matrix.search.study import Ended, Study
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell


class Proposals:
    """Hears how cells end, and says which are to follow. Every process that hears the same says the same.

    Attributes:
        cells: All cells that are known so far, by their run ids.

    Args:
        planned: The cells that were known from the beginning.
        studies: All studies; their state begins anew.
    """

    def __init__(self, planned: Iterable[Cell], studies: Iterable[Study]) -> None:
        self.cells = {cell.run_id: cell for cell in planned}
        self._studies = [replace(study) for study in studies]
        self._outcomes: dict[str, Ended] = {}

    def first(self) -> list[Cell]:
        """Return the cells to begin with."""
        return self._further()

    def ended(self, cell: Cell, record: RunRecord | None) -> list[Cell]:
        """Return the cells that follow from the end of one.

        Args:
            cell: The cell.
            record: Its record; None: it was skipped or left none.
        """
        if not cell.spec.trial:
            return []
        self._outcomes[cell.run_id] = Ended.of(record)
        return self._further()

    def _further(self) -> list[Cell]:
        wanted = {cell.run_id: cell for study in self._studies for cell in study.proceed(self._outcomes)}
        new = {run_id: cell for run_id, cell in wanted.items() if run_id not in self.cells}
        self.cells |= new
        return list(new.values())
