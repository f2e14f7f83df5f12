"""Losses from logits (N, C), targets (N,) and optional class weights (C,), and the criterion of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.config import Training
from emonet_bench.errors import TrainingError
from emonet_bench.types import TargetSummary

Mean = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""The mean loss of logits (N, C) and targets (N,), each clip weighing as its class: weights (C,), or None."""


@dataclass(frozen=True)
class Criterion:
    """The loss of one corpus.

    Attributes:
        mean: What is computed.
        weight: (C,) class weights, or None.
    """

    mean: Mean
    weight: Tensor | None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss of logits (N, C) and targets (N,)."""
        return self.mean(logits, targets, self.weight)

    def share(self, piece: Tensor, batch: Tensor) -> Tensor | float:
        """Return what the targets of a piece weigh of those of its batch: so weighed, pieces add up to the batch."""
        if self.weight is None:
            return len(piece) / len(batch)
        return self.weight[piece].sum() / self.weight[batch].sum()


def check_labels(targets: Tensor) -> None:
    """Hold training clips, by their targets (N,), to have two labels at least.

    Raises:
        TrainingError: They have one.
    """
    if len(torch.bincount(targets).nonzero()) < 2:  # noqa: PLR2004
        raise TrainingError("all training clips have one label; use a protocol or a limit that leaves at least two")


def balanced_weights(targets: Tensor, classes: int) -> Tensor:
    """Weigh each class by N / (C * n_c), scikit-learn's "balanced"; a class without clips weighs nothing.

    >>> balanced_weights(torch.tensor([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000])
    """
    counts = torch.bincount(targets, minlength=classes).float()
    present = counts > 0
    return torch.where(present, targets.numel() / (present.sum() * counts.clamp_min(1)), 0)


def focal(logits: Tensor, targets: Tensor, weight: Tensor | None, gamma: float = 2.0, alpha: float = 0.25) -> Tensor:
    """Compute the focal loss -alpha (1 - p)^gamma log p (Lin et al., 2017, equation 5, one alpha for all classes)."""
    log_p = F.log_softmax(logits, dim=-1).gather(1, targets[:, None])[:, 0]  # (N,)
    losses = -alpha * (1 - log_p.exp()) ** gamma * log_p
    return losses.mean() if weight is None else (losses * weight[targets]).sum() / weight[targets].sum()


def ordinal(logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
    """Compute the cross-entropy with soft labels softmax(-|i - target|) in declared order (Diaz & Marathe, 2019)."""
    ranks = torch.arange(logits.shape[-1], device=logits.device)
    soft = F.softmax(-(ranks - targets[:, None]).abs().float(), dim=-1)  # (N, C)
    losses = -(soft * F.log_softmax(logits, dim=-1)).sum(-1)
    return losses.mean() if weight is None else (losses * weight[targets]).sum() / weight[targets].sum()


def crossentropy(logits: Tensor, targets: Tensor, weight: Tensor | None, label_smoothing: float = 0.0) -> Tensor:
    """Compute the cross-entropy; with label smoothing, that part of a target goes to all classes alike."""
    return F.cross_entropy(logits, targets, weight, label_smoothing=label_smoothing)


def criterion_of(
    build: Callable[[TargetSummary], Mean], recipe: Training, targets: Tensor, labels: Sequence[str]
) -> Criterion:
    """Build the loss of one corpus.

    Args:
        build: The loss, its options given.
        recipe: Its label smoothing, and whether classes are weighed.
        targets: (N,) targets of the training clips.
        labels: The C labels.
    """
    counts = torch.bincount(targets, minlength=len(labels))
    summary = TargetSummary(tuple(labels), tuple(counts.tolist()), label_smoothing=recipe.label_smoothing)
    return Criterion(build(summary), balanced_weights(targets, len(labels)) if recipe.balanced_weights else None)
