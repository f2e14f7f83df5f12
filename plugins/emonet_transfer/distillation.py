"""Distillation: a teacher's soft labels and embeddings as further targets of a student's training clips."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

_FLAT = 1e-4
"""A feature whose standard deviation over the clips is smaller is rounding; it is not blown up to one."""


def soft_label_loss(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Return T^2 KL(teacher || student) of labels softened by a temperature T, the mean over clips.

    The factor T^2 keeps its gradients of the size of those of the loss of the labels (Hinton et al., 2015, section 2).

    Args:
        logits: (N, classes) of the student.
        teacher_logits: (N, classes).
        temperature: T.
    """
    student, teacher = (F.log_softmax(rows / temperature, -1) for rows in (logits, teacher_logits))
    return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2


def embedding_loss(projected: Tensor, targets: Tensor) -> Tensor:
    """Return the squared error (N, K) against ``embedding_targets``, summed over them: the mean over clips.

    1 where the student tells nothing of the targets, 0 where it tells all.
    """
    return (projected - targets).square().sum(-1).mean()


def embedding_targets(embeddings: Tensor, components: int) -> Tensor:
    """Reduce a teacher's embeddings to their principal components, of unit variance in total.

    Args:
        embeddings: (N, D) of all training clips; each feature is standardised first.
        components: How many, K; where the clips have fewer, the rest are zeros.

    Returns:
        (N, K), each of zero mean over the clips.
    """
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415 - slow to import

    centred = embeddings - embeddings.mean(0)
    deviation = centred.square().mean(0).sqrt()
    standardised = centred / torch.where(deviation < _FLAT, torch.ones_like(deviation), deviation)
    count = min(components, *embeddings.shape)
    left, singular, _ = randomized_svd(standardised.cpu().numpy(), count, random_state=0)
    found = torch.from_numpy(left * singular).to(embeddings)
    total = found.square().sum(-1).mean().clamp_min(torch.finfo(found.dtype).tiny)
    return F.pad(found / total.sqrt(), (0, components - count))
