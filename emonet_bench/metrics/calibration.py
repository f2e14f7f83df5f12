"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def expected_calibration_error(truth: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins of confidence (Guo et al. 2017, eq. 3).

    Args:
        truth: (N,) indices of the true labels.
        probabilities: (N, K), rows sum to 1.
        bins: Number of bins over (0, 1].

    Returns:
        0 (calibrated) to 1.

    >>> expected_calibration_error([0, 1], [[0.9, 0.1], [0.9, 0.1]])
    0.4
    """
    table = np.asarray(probabilities, np.float64)
    return calibration_error(table.max(axis=1), table.argmax(axis=1) == np.asarray(truth), bins)


def calibration_error(confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = 15) -> float:
    """Expected calibration error, where only the predicted labels' probabilities are at hand.

    Args:
        confidence: (N,) probability of each prediction.
        right: (N,) whether it is right.
        bins: Number of bins over (0, 1].

    >>> calibration_error([0.9, 0.9], [True, False])
    0.4
    """
    stated = np.asarray(confidence, np.float64)
    place = np.clip(np.ceil(stated * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, stated, bins) - np.bincount(place, np.asarray(right), bins)
    return float(np.abs(gap).sum() / len(stated))
