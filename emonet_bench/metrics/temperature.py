"""Temperature scaling: one number by which logits are divided so that probabilities mean what they say.

Guo et al. 2017, "On calibration of modern neural networks". It changes no prediction, so it is worth having only where
the expected calibration error falls on speakers that it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics.bootstrap import Floats, Statistic
from emonet_bench.metrics.resampling import units_of

_BOUND = 3.0  # of the temperature's logarithm: 0.05 to 20
_FOLDS = 5
_BINS = 15
_LEAST = 1e-12  # a probability that float32 has rounded to 0

Targets = npt.NDArray[np.int64]


def tempered(probabilities: npt.ArrayLike, temperature: float) -> Floats:
    """Return what probabilities (N, K) are when logits are divided by a temperature.

    >>> tempered([[0.8, 0.2]], 2.0).round(3).tolist()
    [[0.667, 0.333]]
    """
    scaled = np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST)) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def fit_temperature(targets: Targets, probabilities: Floats) -> float:
    """Find the temperature with the smallest negative log-likelihood.

    Args:
        targets: (N,) indices of the true labels.
        probabilities: (N, K).
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - slow

    rows = np.arange(len(targets))

    def loss(exponent: float) -> float:
        chosen = tempered(probabilities, float(np.exp(exponent)))[rows, targets]
        return float(-np.log(np.maximum(chosen, _LEAST)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-_BOUND, _BOUND), method="bounded").x))


def cross_fitted(targets: Targets, probabilities: Floats, speakers: Sequence[Hashable | None]) -> Floats:
    """Temper each fifth of the speakers (of the clips, where they are unknown) with what fits the others: (N, K)."""
    _, groups, units = units_of(len(targets), speakers, None)
    fold = np.random.default_rng(0).permutation(units)[groups] % _FOLDS
    held_out = np.zeros_like(probabilities)
    for one in np.unique(fold):
        own = fold == one
        if own.all():
            return probabilities  # a single clip
        held_out[own] = tempered(probabilities[own], fit_temperature(targets[~own], probabilities[~own]))
    return held_out


def bin_gaps(targets: Targets, probabilities: Floats, bins: int = _BINS) -> Floats:
    """Put each clip's confidence minus its hit into its bin of confidence: (N, bins), whose sums make the ECE."""
    confidence = probabilities.max(axis=1)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.zeros((len(targets), bins))
    gaps[np.arange(len(targets)), place] = confidence - (probabilities.argmax(axis=1) == targets)
    return gaps


def ece_statistic(targets: Targets, probabilities: Floats, speakers: Sequence[Hashable | None]) -> Statistic:
    """Return the expected calibration error with its 95 % interval over speakers."""
    return Statistic.of(_counted(bin_gaps(targets, probabilities)), speakers, _ece)


def brier_statistic(targets: Targets, probabilities: Floats, speakers: Sequence[Hashable | None]) -> Statistic:
    """Return the Brier score, 0 to 2 (Brier 1950), with its 95 % interval over speakers."""
    distance = np.square(probabilities - np.eye(probabilities.shape[1])[targets]).sum(axis=1, keepdims=True)
    return Statistic.of(_counted(distance), speakers, lambda sums: sums[:, 0] / sums[:, -1])


@dataclass(frozen=True)
class Calibration:
    """A temperature, and what it does to the expected calibration error on speakers that it was not fitted on.

    Attributes:
        temperature: Fitted on all clips.
        before: ECE of the clips as they are.
        after: ECE of the clips tempered with what was fitted on others.
        change: ``after`` minus ``before``, with its paired interval.
    """

    temperature: float
    before: Statistic
    after: Statistic
    change: Statistic

    @property
    def helps(self) -> bool:
        """Whether the error surely falls: the interval of its change lies below 0."""
        return self.change.high < 0


def calibration_of(targets: Targets, probabilities: Floats, speakers: Sequence[Hashable | None]) -> Calibration:
    """Fit a temperature, and tell by cross-fitting over speakers whether it helps.

    Args:
        targets: (N,) indices of the true labels.
        probabilities: (N, K).
        speakers: (N,) who speaks.
    """
    held_out = cross_fitted(targets, probabilities, speakers)
    pair = [bin_gaps(targets, table) for table in (probabilities, held_out)]

    def change(sums: Floats) -> Floats:
        count = sums[:, -1:]
        first, second = sums[:, :_BINS], sums[:, _BINS:-1]
        return np.asarray((np.abs(second).sum(axis=1) - np.abs(first).sum(axis=1)) / count[:, 0])

    return Calibration(
        fit_temperature(targets, probabilities),
        ece_statistic(targets, probabilities, speakers),
        ece_statistic(targets, held_out, speakers),
        Statistic.of(_counted(np.concatenate(pair, axis=1)), speakers, change),
    )


def _counted(values: Floats) -> Floats:
    """Add a column of ones, whose sum is the number of clips."""
    return np.concatenate([values, np.ones((len(values), 1))], axis=1)


def _ece(sums: Floats) -> Floats:
    return np.asarray(np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1])
