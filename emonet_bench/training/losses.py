"""Losses from logits (N, K), targets (N,) or (N, K) and optional weights (K,), and the criterion of a corpus."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.config import Training
from emonet_bench.errors import TrainingError
from emonet_bench.types import TargetKind, TargetSummary

Mean = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""The mean loss of logits (N, K) and targets, (N,) of labels, else (N, K), by weights of labels (K,), or None."""


@dataclass(frozen=True)
class Criterion:
    """The loss of one corpus.

    Attributes:
        mean: What is computed.
        weight: (K,) weights of labels, or None.
        kind: The kind of target. A clip weighs as its label, or as its votes do on average; otherwise all are alike.
    """

    mean: Mean
    weight: Tensor | None
    kind: TargetKind = "label"

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compute the loss of logits (N, K) and targets, (N,) of labels, else (N, K)."""
        return self.mean(logits, targets, self.weight)

    def share(self, piece: Tensor, batch: Tensor) -> Tensor | float:
        """Return what the targets of a piece weigh of those of its batch: so weighed, pieces add up to the batch."""
        if self.weight is None or self.kind not in ("label", "votes"):
            return len(piece) / len(batch)
        return clip_weights(piece, self.weight).sum() / clip_weights(batch, self.weight).sum()


def check_labels(targets: Tensor) -> None:
    """Hold training clips, by their targets (N,), to have two labels at least; or (N, K), not all the same.

    Raises:
        TrainingError: They have one.
    """
    if targets.dim() > 1 and bool((targets == targets[:1]).all()):
        raise TrainingError("all training clips have one target; use a protocol or a limit that leaves at least two")
    if targets.dim() == 1 and len(torch.bincount(targets).nonzero()) < 2:  # noqa: PLR2004
        raise TrainingError("all training clips have one label; use a protocol or a limit that leaves at least two")


def balanced_weights(targets: Tensor, classes: int) -> Tensor:
    """Weigh each class by N / (C * n_c), scikit-learn's "balanced"; a class without clips weighs nothing.

    >>> balanced_weights(torch.tensor([0, 0, 0, 1]), 2)
    tensor([0.6667, 2.0000])
    """
    return inverse_frequency(torch.bincount(targets, minlength=classes))


def inverse_frequency(counts: Tensor) -> Tensor:
    """Weigh each of C classes by N / (C * n_c) from counts n_c (C,), which may be sums of shares; N is their sum."""
    counts = counts.float()
    present = counts > 0
    return torch.where(present, counts.sum() / (present.sum() * torch.where(present, counts, 1)), 0)


def effective_number(counts: Tensor, beta: float) -> Tensor:
    """Weigh each of C classes by (1 - beta) / (1 - beta^n_c) from counts n_c (C,): the class-balanced loss.

    It is equation 4 of Cui et al. (2019). As with ``inverse_frequency``, to which it tends where beta goes to 1, clips
    weigh 1 on average, and a class without clips weighs nothing.

    >>> effective_number(torch.tensor([3, 1]), 0.5)
    tensor([0.8421, 1.4737])
    """
    counts = counts.double()
    present = counts > 0
    fall = torch.where(present, -torch.expm1(counts * math.log(beta)), 1)  # 1 - beta^n
    weights = torch.where(present, (1 - beta) / fall, 0)
    return (weights * counts.sum() / (weights * counts).sum()).float()


def clip_weights(targets: Tensor, weight: Tensor) -> Tensor:
    """Return what clips weigh, (N,): as their label (N,), or the mean over their votes (N, K)."""
    return targets @ weight if targets.is_floating_point() else weight[targets]


def focal(logits: Tensor, targets: Tensor, weight: Tensor | None, gamma: float = 2.0, alpha: float = 0.25) -> Tensor:
    """Compute the focal loss -alpha (1 - p)^gamma log p (Lin et al., 2017, equation 5, one alpha for all classes)."""
    log_p = F.log_softmax(logits, dim=-1).gather(1, targets[:, None])[:, 0]  # (N,)
    away = (1 - log_p.exp()).clamp_min(1e-12)  # at 0 a power below 1 has no slope
    losses = -alpha * away**gamma * log_p
    return losses.mean() if weight is None else (losses * weight[targets]).sum() / weight[targets].sum()


def ordinal(logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
    """Compute the cross-entropy with soft labels softmax(-|i - target|) in declared order (Diaz & Marathe, 2019)."""
    ranks = torch.arange(logits.shape[-1], device=logits.device)
    soft = F.softmax(-(ranks - targets[:, None]).abs().float(), dim=-1)  # (N, C)
    losses = -(soft * F.log_softmax(logits, dim=-1)).sum(-1)
    return losses.mean() if weight is None else (losses * weight[targets]).sum() / weight[targets].sum()


def crossentropy(logits: Tensor, targets: Tensor, weight: Tensor | None, label_smoothing: float = 0.0) -> Tensor:
    """Compute the cross-entropy; with label smoothing, that part of a target goes to all classes alike.

    Args:
        logits: (N, K).
        targets: (N,) labels, or (N, K) shares of votes.
        weight: (K,) weights of labels, or None.
        label_smoothing: Which part.
    """
    if not targets.is_floating_point():
        return F.cross_entropy(logits, targets, weight, label_smoothing=label_smoothing)
    smooth = (1 - label_smoothing) * targets + label_smoothing / targets.shape[-1]
    if weight is None:
        return -(smooth * F.log_softmax(logits, dim=-1)).sum(-1).mean()
    return -(weight * smooth * F.log_softmax(logits, dim=-1)).sum() / clip_weights(targets, weight).sum()


def criterion_of(
    build: Callable[[TargetSummary], Mean],
    recipe: Training,
    targets: Tensor,
    labels: Sequence[str],
    kind: TargetKind = "label",
) -> Criterion:
    """Build the loss of one corpus.

    Args:
        build: The loss, its options given.
        recipe: Its label smoothing, and whether classes are weighed.
        targets: (N,) targets of the training clips; (N, K) of kinds other than the label.
        labels: The K labels or attributes.
        kind: The kind of target.
    """
    counts = _counts(targets, len(labels), kind)
    summary = TargetSummary(tuple(labels), tuple(map(round, counts.tolist())), kind, recipe.label_smoothing)
    balanced = recipe.balanced_weights and kind != "values"
    return Criterion(build(summary), _class_weights(counts, recipe) if balanced else None, kind)


def _class_weights(counts: Tensor, recipe: Training) -> Tensor:
    beta = recipe.class_balanced_beta
    return inverse_frequency(counts) if beta is None else effective_number(counts, beta)


def _counts(targets: Tensor, classes: int, kind: TargetKind) -> Tensor:
    """Count the clips of each label (K,), votes by their shares; of values all clips each time."""
    if kind == "label":
        return torch.bincount(targets, minlength=classes)
    return torch.ones_like(targets).sum(0) if kind == "values" else targets.sum(0)
