"""Distillation: a teacher's soft labels and embeddings as further targets of a student's training clips."""

from __future__ import annotations

from collections.abc import Mapping

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
    return _principal(_standardised(embeddings), components)


def joint_targets(embeddings: Mapping[str, Tensor], components: int) -> dict[str, Tensor]:
    """Reduce a teacher's embeddings of the clips of several corpora to principal components that they share.

    Each corpus is standardised by itself: what tells one from another, its rooms, microphones and language, would be
    the largest component by far, and is not worth telling. Of one corpus it is ``embedding_targets``.

    Args:
        embeddings: Of each corpus (N, D).
        components: As in ``embedding_targets``.

    Returns:
        (N, K) for each corpus.
    """
    rows = _principal(torch.cat([_standardised(own) for own in embeddings.values()]), components)
    sizes = [len(own) for own in embeddings.values()]
    return dict(zip(embeddings, torch.split(rows, sizes), strict=True))


def _standardised(embeddings: Tensor) -> Tensor:
    centred = embeddings - embeddings.mean(0)
    deviation = centred.square().mean(0).sqrt()
    return centred / torch.where(deviation < _FLAT, torch.ones_like(deviation), deviation)


def _principal(standardised: Tensor, components: int) -> Tensor:
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415 - slow to import

    count = min(components, *standardised.shape)
    left, singular, _ = randomized_svd(standardised.cpu().numpy(), count, random_state=0)
    found = torch.from_numpy(left * singular).to(standardised)
    total = found.square().sum(-1).mean().clamp_min(torch.finfo(found.dtype).tiny)
    return F.pad(found / total.sqrt(), (0, components - count))
