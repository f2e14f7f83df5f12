"""Calibration: whether probabilities mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import CorpusError

_ROUNDING = 1e-5  # of a sum of float32


def expected_calibration_error(truth: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins of confidence (Guo et al. 2017, eq. 3).

    Args:
        truth: (N,) indices of the true labels.
        probabilities: (N, K), rows sum to 1.
        bins: Number of bins over (0, 1].

    Returns:
        0 (calibrated) to 1.

    Raises:
        CorpusError: There is nothing to score, the lengths differ, or a probability is none.

    >>> expected_calibration_error([0, 1], [[0.9, 0.1], [0.9, 0.1]])
    0.4
    """
    table, labels = np.asarray(probabilities, np.float64), np.asarray(truth)
    _check(labels, table)
    return calibration_error(table.max(axis=1), table.argmax(axis=1) == labels, bins)


def calibration_error(confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 15) -> float:
    """Expected calibration error, where only the predicted labels' probabilities are at hand.

    Args:
        confidence: (N,) probability of each prediction.
        right: (N,) whether it is right.
        bins: Number of bins over (0, 1].

    Raises:
        CorpusError: As ``expected_calibration_error`` does.

    >>> calibration_error([0.9, 0.9], [True, False])
    0.4
    """
    stated, hits = np.asarray(confidence, np.float64), np.asarray(right)
    _check(hits, stated)
    place = np.clip(np.ceil(stated * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, stated, bins) - np.bincount(place, hits, bins)
    return float(np.abs(gap).sum() / len(stated))


def _check(truth: npt.NDArray[Any], stated: npt.NDArray[np.float64]) -> None:
    if len(truth) != len(stated) or not len(truth):
        raise CorpusError(f"cannot score {len(stated)} predictions of {len(truth)} true labels; give one for each")
    if not ((stated >= 0) & (stated <= 1 + _ROUNDING)).all():  # which is false of NaN, too
        raise CorpusError("cannot score probabilities that are not between 0 and 1; give softmax's, not logits")
