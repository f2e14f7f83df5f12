"""Attention over time that never looks at padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Additive self-attention with a sigmoid on its scores (Zheng et al., 2018, *OpenTag*, equations 8 to 11).

    For frames t and s: score(t, s) = sigmoid(v . tanh(Q x_t + K x_s + b) + c), and frame t becomes the mean of all
    valid x_s, weighted by the softmax of its scores over s. Takes N x T x T x ``units`` numbers at once.
    """

    def __init__(self, dim: int, units: int = 32) -> None:
        super().__init__()
        self.query = nn.Linear(dim, units)
        self.key = nn.Linear(dim, units, bias=False)
        self.score = nn.Linear(units, 1)

    def forward(self, sequence: Tensor, mask: Tensor) -> Tensor:
        """Mix the frames of (N, T, D); ``mask`` (N, 1, T) is one where a frame is valid."""
        pairs = torch.tanh(self.query(sequence)[:, :, None] + self.key(sequence)[:, None])  # (N, T, T, units)
        scores = torch.sigmoid(self.score(pairs)).flatten(2)  # (N, T, T)
        mixed: Tensor = masked_softmax(scores, mask) @ sequence
        return mixed


class WeightedAttention(nn.Module):
    """Weighted attention pooling over time (Raffel and Ellis, 2016): a mean weighted by the softmax of w . x_t.

    There is no bias: the softmax would cancel it.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.score = nn.Linear(dim, 1, bias=False)

    def forward(self, sequence: Tensor, mask: Tensor) -> Tensor:
        """Pool (N, T, D) to (N, D); ``mask`` (N, 1, T) is one where a frame is valid."""
        weights = masked_softmax(self.score(sequence).transpose(1, 2), mask)  # (N, 1, T)
        pooled: Tensor = (weights @ sequence).flatten(1)
        return pooled


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis of (N, ..., T), with no weight where ``mask`` (N, 1, T) is zero.

    >>> masked_softmax(torch.zeros(1, 1, 4), torch.tensor([[[1, 1, 0, 0]]]))
    tensor([[[0.5000, 0.5000, 0.0000, 0.0000]]])
    """
    return scores.masked_fill(mask == 0, -torch.inf).softmax(-1)
