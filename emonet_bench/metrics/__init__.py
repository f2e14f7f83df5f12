"""Metrics: predictions to numbers, whether probabilities are calibrated, and how far a difference is significant."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emonet_bench.metrics.classification import (
        accuracy,
        confusion,
        macro_f1,
        recalls,
        scores,
        unweighted_average_recall,
    )

__all__ = ["accuracy", "confusion", "macro_f1", "recalls", "scores", "unweighted_average_recall"]


def __getattr__(name: str) -> Any:
    # Lazy, so that metrics are registered, and help is shown, without numpy.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.classification"), name)
