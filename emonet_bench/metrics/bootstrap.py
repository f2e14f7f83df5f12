"""The bootstrap over speakers: resampled sums of whatever is counted or measured on each clip.

Clips of one speaker resemble each other, so speakers are drawn, with all of their clips. Each resample is a row of
draw counts, so all of them take one matrix product with the speakers' own sums.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Unit = Literal["speakers", "clips"]


@dataclass(frozen=True)
class Units:
    """What is drawn with replacement.

    Attributes:
        unit: ``speakers``, or ``clips`` where speakers are unknown or there is only one.
        groups: (N,) which unit each clip belongs to.
        count: U, how many units there are.
    """

    unit: Unit
    groups: npt.NDArray[np.int64]
    count: int

    @classmethod
    def of(cls, speakers: Sequence[Hashable | None], clips: Sequence[Hashable] | None = None) -> Units:
        """Number the speakers; clips where one is unknown or all are the same.

        Args:
            speakers: (N,) who speaks.
            clips: (N,) names of the clips, where the same clip occurs several times.

        >>> Units.of(["a", "a", "b"]).unit, Units.of(["a", None, "b"]).unit
        ('speakers', 'clips')
        """
        known = None not in speakers and len(set(speakers)) > 1
        names = speakers if known else clips if clips is not None else range(len(speakers))
        place = {name: index for index, name in enumerate(dict.fromkeys(names))}
        groups = np.array([place[name] for name in names], np.int64)
        return cls("speakers" if known else "clips", groups, len(place))

    def sums(self, values: npt.ArrayLike) -> Floats:
        """Sum what belongs to each unit: (N, D) to (U, D)."""
        table = np.asarray(values, np.float64)
        total = np.zeros((self.count, table.shape[1]))
        np.add.at(total, self.groups, table)
        return total


@lru_cache(maxsize=8)  # the cells of a table mostly have the same number of speakers
def draws(units: int, resamples: int = 2000, seed: int = 0) -> Floats:
    """Draw units with replacement: (B, U) counts that sum to U in each row."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)


def resampled(values: npt.ArrayLike, speakers: Sequence[Hashable | None], resamples: int = 2000) -> Floats:
    """Return the sums of resamples: (N, D) of the clips to (B, D)."""
    units = Units.of(speakers)
    return draws(units.count, resamples) @ units.sums(values)


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
