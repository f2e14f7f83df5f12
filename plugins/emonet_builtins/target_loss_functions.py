"""Loss functions of logits (N, K) and targets (N, K): divergence, binary cross-entropy, concordance, squared error."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

_TINY = 1e-8


def kl_divergence(logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
    """Compute the mean Kullback-Leibler divergence of softmax(logits) from shares of votes.

    Args:
        logits: (N, K).
        targets: (N, K), rows sum to 1.
        weight: (K,) weights of labels, by which each clip weighs as its votes; or None.
    """
    each = F.kl_div(F.log_softmax(logits, dim=-1), targets, reduction="none").sum(-1)  # (N,)
    return each.mean() if weight is None else (each * (targets @ weight)).sum() / (targets @ weight).sum()


def binary_crossentropy(logits: Tensor, targets: Tensor, weight: Tensor | None) -> Tensor:
    """Compute the mean over clips and labels of the binary cross-entropy of sigmoid(logits).

    Args:
        logits: (N, K).
        targets: (N, K), ones where a label is true.
        weight: (K,) factors on the labels' losses, or None.
    """
    return F.binary_cross_entropy_with_logits(logits, targets, weight)


def concordance(logits: Tensor, targets: Tensor, _: Tensor | None, attributes: Tensor | None = None) -> Tensor:
    """Compute 1 minus the concordance correlation coefficient (Lin, 1989) over a batch, the mean over attributes.

    A batch that is run in pieces counts each piece for itself, as the coefficient of a batch is no sum over clips.

    Args:
        logits: (N, K).
        targets: (N, K).
        attributes: (K,) what attributes weigh in the mean; None: the same.
    """
    x, y = logits - logits.mean(0), targets - targets.mean(0)  # (N, K)
    apart = x.square().mean(0) + y.square().mean(0) + (logits.mean(0) - targets.mean(0)).square()
    return 1 - _mean(2 * (x * y).mean(0) / (apart + _TINY), attributes)


def squared_error(logits: Tensor, targets: Tensor, _: Tensor | None, attributes: Tensor | None = None) -> Tensor:
    """Compute the mean squared error over clips and attributes; ``attributes`` (K,) are what these weigh."""
    return _mean(F.mse_loss(logits, targets, reduction="none").mean(0), attributes)


def huber(
    logits: Tensor, targets: Tensor, _: Tensor | None, attributes: Tensor | None = None, delta: float = 0.25
) -> Tensor:
    """Compute the Huber loss (Huber, 1964) over clips and attributes, divided by delta: far off its slope is 1.

    Args:
        logits: (N, K).
        targets: (N, K).
        attributes: (K,) what attributes weigh in the mean; None: the same.
        delta: Where it turns from squared to linear.
    """
    return _mean(F.huber_loss(logits, targets, delta=delta, reduction="none").mean(0), attributes) / delta


def _mean(each: Tensor, attributes: Tensor | None) -> Tensor:
    """Average what stands for each attribute (K,) by what these weigh."""
    if attributes is None:
        return each.mean()
    weights = attributes.to(each)
    return (each * weights).sum() / weights.sum()
