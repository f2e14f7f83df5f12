"""Metrics: predictions to numbers, whether probabilities are calibrated, and how far a difference is significant."""

from emonet_bench.metrics.classification import (
    accuracy,
    confusion,
    macro_f1,
    recalls,
    scores,
    unweighted_average_recall,
)

__all__ = ["accuracy", "confusion", "macro_f1", "recalls", "scores", "unweighted_average_recall"]
