"""How far a score can be trusted: bootstrap over speakers, paired tests, order over seeds, calibration.

Clips of one speaker resemble each other, so a bootstrap over clips is too sure of itself; speakers are drawn here. Each
resample is a row of draw counts, so all of them are scored by one matrix product of the speakers' own counts.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.counts import label_arrays
from emonet_bench.metrics.defaults import UAR
from emonet_bench.metrics.resampling import draw_counts, sampler, units_of

Labels = Sequence[Hashable]
Floats = npt.NDArray[np.float64]

LEAST_SEEDS = 10
"""Fewer seeds say nothing of a distribution over seeds (Dror et al. 2019 use as many and more)."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        unit: What was drawn: ``speakers``, or ``clips`` where speakers are unknown or there is only one.
        units: How many there are; an interval from a handful of them is a rough one.
    """

    low: float
    high: float
    unit: Literal["speakers", "clips"]
    units: int


@dataclass(frozen=True)
class Comparison:
    """A paired comparison of two systems on the same clips.

    Attributes:
        difference: Score of the first minus score of the second.
        low: Lower end of the 95 % interval of the difference.
        high: Upper end.
        p: Two-sided p value.
        unit: What was drawn.
        units: How many there are.
    """

    difference: float
    low: float
    high: float
    p: float
    unit: Literal["speakers", "clips"]
    units: int


def interval(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    choice: MetricChoice,
    names: Sequence[str],
    speakers: Sequence[Hashable | None],
    *,
    clips: Labels | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval over speakers (Bisani and Ney 2004).

    Several predictions of one clip (seeds) may follow each other: a speaker brings all of them, so the interval is that
    of the mean over seeds. A label that no drawn speaker has keeps its recall (or F1) in the whole sample.

    Args:
        truth: (N,) or (N, K), as the metric takes it; at least one clip.
        predicted: (N, K), likewise.
        choice: What is scored.
        names: The K labels or attributes.
        speakers: (N,) who speaks; clips are drawn instead where one is None or all are the same.
        clips: (N,) names of the clips, needed where the same clip occurs several times.
        level: Coverage.
        resamples: Number of resamples.
        seed: Of the resampling.
    """
    true, given = np.asarray(truth), np.asarray(predicted, np.float64)
    unit, groups, units = units_of(len(true), speakers, clips)
    score = sampler(true, given, choice, names, groups, units)
    low, high = np.nanquantile(score(draw_counts(units, resamples, seed)), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), unit, units)


def uar_interval(
    truth: Labels, prediction: Labels, labels: Sequence[str], speakers: Sequence[Hashable | None]
) -> Interval:
    """Return the ``interval`` of the UAR.

    Args:
        truth: (N,) true labels.
        prediction: (N,) predicted labels.
        labels: The declared labels.
        speakers: As for ``interval``.
    """
    return interval(*label_arrays(truth, prediction, labels), MetricChoice(UAR), labels, speakers)


def compare(
    truth: npt.ArrayLike,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    choice: MetricChoice,
    names: Sequence[str],
    speakers: Sequence[Hashable | None],
    *,
    clips: Labels | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Paired bootstrap over speakers: both systems are scored on the same draws (Berg-Kirkpatrick et al. 2012).

    The p value shifts the bootstrap distribution of the difference to zero and counts how often it is as far out as
    the difference seen, with the plus-one correction (Davison and Hinkley 1997, eq. 4.11): it is never 0. Nor is it
    below 2^(1 - units), the least that an exact sign-flip test of so many units can say: two speakers prove nothing.

    Args:
        truth: As for ``interval``.
        first: (N, K) predictions of one system.
        second: (N, K) predictions of the other, of the same clips in the same order.
        choice: What is scored.
        names: The K labels or attributes.
        speakers: As for ``interval``.
        clips: As for ``interval``.
        resamples: Number of resamples.
        seed: Of the resampling.
    """
    true = np.asarray(truth)
    unit, groups, units = units_of(len(true), speakers, clips)
    pair = [sampler(true, np.asarray(given, np.float64), choice, names, groups, units) for given in (first, second)]
    everyone = np.ones((1, units))
    seen = float(pair[0](everyone)[0] - pair[1](everyone)[0])
    draws = draw_counts(units, resamples, seed)
    differences = pair[0](draws) - pair[1](draws)
    differences = differences[~np.isnan(differences)]
    extreme = int(np.sum(np.abs(differences - seen) >= abs(seen) - 1e-12))
    p = max((1 + extreme) / (1 + resamples), 2.0 ** (1 - units))
    low, high = np.quantile(differences, [0.025, 0.975])
    return Comparison(seen, float(low), float(high), p, unit, units)


def mcnemar(truth: Labels, first: Labels, second: Labels) -> float:
    """Exact McNemar test of two systems on the same clips: two-sided p value (McNemar 1947, binomial form).

    For comparison with papers that report it. It takes clips for independent, which clips of one speaker are not:
    ``compare`` is the test to trust.

    >>> mcnemar([1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0])
    0.125
    """
    better = sum(a == t != b for t, a, b in zip(truth, first, second, strict=True))
    worse = sum(b == t != a for t, a, b in zip(truth, first, second, strict=True))
    total = better + worse
    tail = sum(comb(total, k) for k in range(min(better, worse) + 1))
    return min(1.0, tail / 2 ** (total - 1)) if total else 1.0


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p values for having made several tests (Holm 1979); order is kept.

    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted, worst = [0.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        worst = max(worst, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = worst
    return adjusted


def almost_stochastic_order(
    first: Sequence[float], second: Sequence[float], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> float | None:
    r"""Bound how far the first system's scores over seeds are from always lying above the second's.

    The violation ratio (del Barrio et al. 2018; Dror et al. 2019) is the share of the squared distance of the two
    quantile functions where the first lies below. What is returned is its upper confidence bound
    :math:`\hat\varepsilon - \sqrt{(n + m) / nm}\, \hat\sigma\, \Phi^{-1}(1 - level)`, the deviation by bootstrap.

    Args:
        first: (n,) scores of one system, one for each seed; more is better.
        second: (m,) scores of the other.
        level: Confidence of the bound.
        resamples: Number of resamples.
        seed: Of the resampling.

    Returns:
        0 (above at every quantile) to 1; below 0.5 the first is almost stochastically larger. None where either system
        has fewer than ``LEAST_SEEDS`` seeds.

    >>> almost_stochastic_order([0.6 + 0.01 * i for i in range(10)], [0.4 + 0.01 * i for i in range(10)])
    0.0
    >>> almost_stochastic_order([0.6] * 9, [0.4] * 10) is None
    True
    """
    n, m = len(first), len(second)
    if min(n, m) < LEAST_SEEDS:
        return None
    generator = np.random.default_rng(seed)
    pair = [np.asarray(scores, np.float64)[None] for scores in (first, second)]  # (1, n) and (1, m)
    drawn = [scores[0, generator.integers(scores.size, size=(resamples, scores.size))] for scores in pair]
    seen, resampled = _violation(*pair)[0], _violation(*drawn)
    scale = sqrt(n * m / (n + m))
    deviation = float(np.std(scale * (resampled - seen)))
    return float(np.clip(seen - deviation * NormalDist().inv_cdf(1 - level) / scale, 0, 1))


def _violation(first: Floats, second: Floats) -> Floats:
    """Violation ratios of resamples (B, n) and (B, m): (B,). Both quantile functions are steps, so the sum is exact."""
    n, m = first.shape[1], second.shape[1]
    cuts = np.unique(np.concatenate([np.arange(n + 1) * m, np.arange(m + 1) * n]))  # in units of 1 / nm
    gap = np.sort(second)[:, cuts[:-1] // n] - np.sort(first)[:, cuts[:-1] // m]
    squared = gap**2 * np.diff(cuts)
    distance = squared.sum(axis=1)
    return np.where(distance > 0, np.where(gap > 0, squared, 0).sum(axis=1) / np.where(distance > 0, distance, 1), 0.5)
