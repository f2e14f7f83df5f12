"""Pre-trained networks: what trains inside one, held on dev against the probes that leave it frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from emonet_bench.report.tables.cells import CellRuns

if TYPE_CHECKING:
    from emonet_bench.report.tables.rows import Column, Row

WEIGHTS = "architecture.weights"
"""The option in which an architecture's options identify pre-trained weights."""

Place = tuple[int, int | None]


def pretrained_notes(rows: Sequence[Row], pooled: Sequence[Mapping[Column, CellRuns]], baseline: str) -> Iterator[str]:
    """Say where training inside a pre-trained network made less of it than the best probe on top of it, a line each.

    Compared are means of the dev scores of the seeds and folds that both have; test plays no part.

    Args:
        rows: The rows of the table.
        pooled: The runs behind their cells.
        baseline: The strategy that starts from the architecture as it is.
    """
    for row, groups in zip(rows, pooled, strict=True):
        for column, group in groups.items():
            if not _trains_inside(column, group, baseline):
                continue
            frozen = {
                other: pair
                for other, probe in groups.items()
                if _weights(probe) == _weights(group)
                and not _trains_inside(other, probe, baseline)
                and (pair := _means(group, probe))
            }
            if not frozen:
                continue
            best = max(frozen, key=lambda other: frozen[other][1])
            own, above = frozen[best]
            if own < above:
                yield (
                    f"{row.corpus}, {row.subtitle}: {column} trains inside the pre-trained network, and its mean dev "
                    f"score of {own:.3f} is below the {above:.3f} of {best}, which leaves it frozen."
                )


def _trains_inside(column: Column, group: CellRuns, baseline: str) -> bool:
    """Tell whether runs train inside a pre-trained network; records of before that was written down: by strategy."""
    if _weights(group) is None:
        return False
    return any(run.trained_inside for run in group.runs) or (
        column.strategy != baseline and not any(run.teacher for run in group.runs)
    )


def _weights(group: CellRuns) -> object:
    return group.runs[0].variant.get(WEIGHTS)


def _means(one: CellRuns, other: CellRuns) -> tuple[float, float] | None:
    """Return the mean dev scores of two cells over the seeds and folds of both; None where they share none."""
    first, second = _dev(one), _dev(other)
    shared = first.keys() & second.keys()
    if not shared:
        return None
    return fmean(first[place] for place in shared), fmean(second[place] for place in shared)


def _dev(group: CellRuns) -> dict[Place, float]:
    return {(run.seed, run.fold): run.dev for run in group.scored if run.dev is not None}
