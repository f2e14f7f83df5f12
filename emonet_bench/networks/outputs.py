"""Output activation: what the logits of a head mean, by the kind of target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from emonet_bench.types import Target, TargetKind

INDEPENDENT: tuple[TargetKind, ...] = ("label-set", "values")
"""Kinds whose outputs are each for itself: K logits for K names, and no softmax."""


def activate(logits: Tensor, target: Target | None) -> Tensor:
    """Turn logits into predictions.

    Args:
        logits: (N, K).
        target: What they are of; None: one of K labels.

    Returns:
        (N, K): of a label or of votes probabilities, which sum to 1; of a label set a score in [0, 1] for each label;
        of values the numbers on the attributes' scales, where a logit of -1 is the lowest and of 1 the highest.
    """
    if target is None or target.kind not in INDEPENDENT:
        return logits.softmax(-1)
    if target.kind == "label-set":
        return logits.sigmoid()
    return on_scales(logits, target.scales)


def on_scales(places: Tensor, scales: Sequence[tuple[float, float]]) -> Tensor:
    """Map places (N, K) from -1 to 1 to numbers on scales, K pairs of the lowest and the highest.

    >>> on_scales(torch.tensor([[0.0, 1.0]]), [(1, 7), (0, 10)])
    tensor([[ 4., 10.]])
    """
    columns = zip(places.unbind(-1), scales, strict=True)
    numbers = [(low + high) / 2 + (high - low) / 2 * place for place, (low, high) in columns]  # no constants to trace
    return torch.stack(numbers, -1)


def from_places(places: Tensor, target: Target) -> Tensor:
    """Turn what a regression to target vectors gives into predictions.

    Args:
        places: (N, K) estimates of ``data.targets.target_vector``.
        target: What they are of; no label.

    Returns:
        (N, K): numbers on scales; or numbers in [0, 1], of votes such that they sum to 1.
    """
    if target.kind == "values":
        return on_scales(places, target.scales)
    inside = places.clamp(_LEAST, 1)
    return inside / inside.sum(-1, keepdim=True) if target.kind == "votes" else inside


_LEAST = 1e-3  # a share of votes that a regression gives: the cross-entropy stays finite
