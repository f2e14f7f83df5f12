"""From frames to one row for each clip, over the clip's own frames."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

_TINY = 1e-6
"""Added to a variance: its root has a gradient at zero, too."""


def pooled(frames: Tensor, mask: Tensor | None, pooling: str) -> Tensor:
    """Pool frames (N, T, D) over time, by those where ``mask`` (N, T) is one: (N, D), or (N, 2D) with ``statistics``.

    >>> pooled(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]), "mean")
    tensor([[2.]])
    """
    share: Any = 1 / frames.shape[1]
    if mask is not None:
        share = (mask / mask.sum(1, keepdim=True))[..., None]  # (N, T, 1)
    mean: Tensor = (frames * share).sum(1)
    if pooling == "mean":
        return mean
    variance = ((frames - mean[:, None]).square() * share).sum(1)
    return torch.cat([mean, (variance + _TINY).sqrt()], 1)


class AttentionPooling(nn.Module):
    """A mean weighted by the softmax of a learnt query's products with the frames; it starts as the mean."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(dim))
        self.scale = dim**-0.5

    def forward(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Pool frames (N, T, D) over time, by those where ``mask`` (N, T) is one: (N, D)."""
        scores = frames @ self.query * self.scale  # (N, T)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -torch.inf)
        pooled_: Tensor = (scores.softmax(1)[..., None] * frames).sum(1)
        return pooled_
