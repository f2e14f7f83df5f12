"""Resampling by bootstrap: speakers (or clips) drawn with replacement, and any metric scored on the draws.

Each resample is a row of draw counts. Metrics of single labels that say how they follow from counts are scored on all
of them by one matrix product of the units' own counts; metrics that take weights on as many at once as memory allows;
others one resample after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.choice import MetricChoice

Floats = npt.NDArray[np.float64]

_AT_ONCE = 4_000_000  # weights of clips: 32 MB


def sampler(
    truth: npt.NDArray[Any],
    predicted: Floats,
    choice: MetricChoice,
    names: Sequence[str],
    groups: npt.NDArray[np.int64],
    units: int,
) -> Callable[[Floats], Floats]:
    """Return what scores resamples: (B, U) draw counts of units to (B,)."""
    if choice.metric.counts is not None and truth.ndim == 1:
        counts = _Counts.of(truth, predicted, groups, units)
        return lambda draws: counts.score(draws, choice, names)
    if choice.metric.weighted is not None and truth.ndim != 1:
        return lambda draws: _weighted(truth, predicted, choice, names, groups, draws)
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups, minlength=units))
    members = np.split(order, ends[:-1])

    def score(draws: Floats) -> Floats:
        return np.array([_one(draw.astype(np.int64)) for draw in draws])

    def _one(draw: npt.NDArray[np.int64]) -> float:
        index = np.concatenate([np.tile(members[unit], times) for unit, times in enumerate(draw) if times])
        try:
            return choice.score(truth[index], predicted[index], names)
        except CorpusError:  # of a resample alone, in which nothing is true, say
            return math.nan

    return score


def _weighted(
    truth: npt.NDArray[Any],
    predicted: Floats,
    choice: MetricChoice,
    names: Sequence[str],
    groups: npt.NDArray[np.int64],
    draws: Floats,
) -> Floats:
    """Score resamples by their clips' weights, some of them at a time."""
    assert choice.metric.weighted is not None
    pieces = np.array_split(draws, -(-len(draws) * len(groups) // _AT_ONCE))
    found = [np.asarray(choice.metric.weighted(truth, predicted, piece[:, groups]), np.float64) for piece in pieces]
    each = np.concatenate(found)  # (B,) or (B, K)
    told = ~np.isnan(each if choice.part is None or each.ndim == 1 else each[:, [names.index(choice.part)]])
    known = told if each.ndim == 1 else told.any(axis=1)
    scores = np.full(len(each), np.nan)
    if known.any():
        scores[known] = choice.total(each[known], names)
    return scores


@dataclass(frozen=True)
class _Counts:
    """Hits, clips and guesses of each unit and label, all (U, K)."""

    hits: Floats
    clips: Floats
    guesses: Floats

    @classmethod
    def of(cls, truth: npt.NDArray[Any], predicted: Floats, groups: npt.NDArray[np.int64], units: int) -> _Counts:
        rows, columns, labels = truth.astype(np.int64), predicted.argmax(axis=1), predicted.shape[1]

        def count(which: npt.NDArray[np.int64], weights: npt.ArrayLike) -> Floats:
            counts = np.bincount(groups * labels + which, weights, units * labels)
            return counts.reshape(units, labels).astype(np.float64)

        ones = np.ones(len(rows))
        return cls(count(rows, rows == columns), count(rows, ones), count(columns, ones))

    def score(self, draws: Floats, choice: MetricChoice, names: Sequence[str]) -> Floats:
        """Score resamples: (B, U) draw counts to (B,). A label that is not drawn keeps what the whole sample says."""
        assert choice.metric.counts is not None
        hits, clips = draws @ self.hits, draws @ self.clips  # (B, K)
        each = np.asarray(choice.metric.counts(hits, clips, draws @ self.guesses))  # (B, K) or (B,)
        if each.shape[-1:] == (len(names),) and each.ndim == hits.ndim:
            whole = choice.metric.counts(*(side.sum(axis=0) for side in (self.hits, self.clips, self.guesses)))
            each = np.where(clips > 0, each, whole)
        elif choice.part is None:
            return each
        return choice.total(each, names)


def units_of(
    count: int, speakers: Sequence[Hashable | None], clips: Sequence[Hashable] | None
) -> tuple[Literal["speakers", "clips"], npt.NDArray[np.int64], int]:
    """Say what is drawn, and number it: (N,) indices and how many there are."""
    known = None not in speakers and len(set(speakers)) > 1
    names = speakers if known else clips if clips is not None else range(count)
    place = {name: index for index, name in enumerate(dict.fromkeys(names))}
    groups = np.array([place[name] for name in names], np.int64)
    return "speakers" if known else "clips", groups, len(place)


@lru_cache(maxsize=8)  # the cells of a table mostly have the same number of speakers
def draw_counts(units: int, resamples: int, seed: int) -> Floats:
    """Draw units with replacement: (B, U) counts that sum to U in each row."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)
