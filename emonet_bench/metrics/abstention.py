"""Abstention: how many errors are left where a model is silent below a confidence (risk and coverage).

Geifman and El-Yaniv 2017, "Selective classification for deep neural networks".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def risk_coverage(confidence: npt.ArrayLike, right: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the share of clips that are answered, and the share of errors among them, as the threshold falls.

    Args:
        confidence: (N,) probability of each prediction.
        right: (N,) whether it is right.

    Returns:
        Coverage (M,), rising to 1, and risk (M,); one for each confidence that occurs.

    >>> [part.tolist() for part in risk_coverage([0.9, 0.8, 0.8, 0.5], [True, True, False, False])]
    [[0.25, 0.75, 1.0], [0.0, 0.3333333333333333, 0.5]]
    """
    stated = np.asarray(confidence, np.float64)
    levels, counts = np.unique(-stated, return_counts=True)
    wrong = np.array([np.sum(~np.asarray(right, bool)[stated == -level]) for level in levels])
    answered = np.cumsum(counts)
    return answered / len(stated), np.cumsum(wrong) / answered


def threshold_for(confidence: npt.ArrayLike, right: npt.ArrayLike, risk: float, least: int = 10) -> float | None:
    """Find the confidence below which to be silent, so that the errors among answers are no more than a share.

    The threshold lies half-way to the next confidence below, so that rounding decides nothing; it is the one with the
    most answers. It is an estimate from these clips: on others the risk may be higher.

    Args:
        confidence: (N,) probability of each prediction.
        right: (N,) whether it is right.
        risk: The largest share of errors.
        least: Fewest answers that a threshold must leave: a risk of fewer is luck.

    Returns:
        0 where everything may be answered; None where even the most confident answers are wrong too often.

    >>> threshold_for([0.9, 0.8, 0.6, 0.5], [True, True, False, False], 0.1, least=2)
    0.7
    """
    coverage, found = risk_coverage(confidence, right)
    held = np.flatnonzero((found <= risk) & (coverage * len(np.asarray(right)) >= least - 0.5))
    if not len(held):
        return None
    last = int(held[-1])
    levels = -np.unique(-np.asarray(confidence, np.float64))
    return 0.0 if last + 1 == len(coverage) else float((levels[last] + levels[last + 1]) / 2)
