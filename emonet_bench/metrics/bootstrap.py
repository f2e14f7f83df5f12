"""The bootstrap over speakers of whatever is a function of sums over clips: a mean, a calibration error, a recall."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics.resampling import draw_counts, units_of

Floats = npt.NDArray[np.float64]


def resampled(
    values: npt.ArrayLike, speakers: Sequence[Hashable | None], resamples: int = 2000, seed: int = 0
) -> Floats:
    """Return the sums of resamples of speakers, or of clips where they are unknown: (N, D) of the clips to (B, D)."""
    table = np.asarray(values, np.float64)
    _, groups, units = units_of(len(table), speakers, None)
    sums = np.zeros((units, table.shape[1]))
    np.add.at(sums, groups, table)
    return np.asarray(draw_counts(units, resamples, seed) @ sums)


def percentile_interval(scores: Floats, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of resampled scores (B,)."""
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Statistic:
    """A score that is a function of sums over clips, and its interval.

    Attributes:
        value: On all clips.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(
        cls, values: npt.ArrayLike, speakers: Sequence[Hashable | None], score: Callable[[Floats], Floats]
    ) -> Statistic:
        """Score clips and their resamples.

        Args:
            values: (N, D) of the clips.
            speakers: (N,) who speaks.
            score: Maps sums (B, D) to scores (B,).

        >>> Statistic.of([[1.0, 1], [0.0, 1]], ["a", "b"], lambda sums: sums[:, 0] / sums[:, 1])
        Statistic(value=0.5, low=0.0, high=1.0)
        """
        table = np.asarray(values, np.float64)
        whole = float(score(table.sum(axis=0, keepdims=True))[0])
        return cls(whole, *percentile_interval(score(resampled(table, speakers))))
