"""Classifiers in EmoNet's words: how a feature map (N, C, M, T) becomes one vector (N, D) for each clip."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from emonet_cnn.resnet import average_pool

_SCALE = 0.3  # EmoNet's; it keeps the attention soft


class Attention(nn.Module):
    """Weigh the positions of a feature map: e = 0.3 u.tanh(W x + b), softmax over all valid positions of a clip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(channels, channels)
        self.score = nn.Linear(channels, 1, bias=False)

    def forward(self, maps: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the positions (N, P, C) of a map (N, C, M, T) and their weights (N, 1, P)."""
        positions = maps.flatten(2).transpose(1, 2)
        scores = _SCALE * self.score(self.dense(positions).tanh()).transpose(1, 2)  # (N, 1, P)
        if mask is not None:
            valid = mask.expand(-1, -1, maps.shape[2], -1).flatten(2)  # (N, 1, P)
            scores = scores.masked_fill(valid == 0, -math.inf)
        return positions, scores.softmax(-1)


class AttentionPooling(nn.Module):
    """EmoNet's ``FCNAttention``: the weighted sum over time and frequency.

    Attributes:
        dim: Size D of the vector.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = Attention(channels)
        self.dim = channels

    def forward(self, maps: Tensor, mask: Tensor | None) -> Tensor:
        """Map (N, C, M, T) and its mask (N, 1, 1, T) to (N, D)."""
        positions, weights = self.attention(maps, mask)
        embedding: Tensor = (weights @ positions).flatten(1)
        return embedding


class StatisticsPooling(nn.Module):
    """Mean and standard deviation under attention (Okabe et al., 2018, "Attentive statistics pooling").

    Attributes:
        dim: Size D of the vector.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = Attention(channels)
        self.dim = 2 * channels

    def forward(self, maps: Tensor, mask: Tensor | None) -> Tensor:
        """Map (N, C, M, T) and its mask (N, 1, 1, T) to (N, D)."""
        positions, weights = self.attention(maps, mask)
        mean = weights @ positions  # (N, 1, C)
        variance = weights @ (positions - mean).square()
        return torch.cat([mean, (variance + 1e-5).sqrt()], 2).flatten(1)


class RecurrentPooling(nn.Module):
    """EmoNet's ``rnn``: two LSTM layers over the columns of the feature map, then attention over time.

    The layers run forwards only, so what follows a clip's own frames cannot reach them.

    Attributes:
        dim: Size D of the vector.
    """

    def __init__(self, channels: int, rows: int, dropout: float) -> None:
        super().__init__()
        self.cell: Any = nn.LSTM(channels * rows, channels, num_layers=2, batch_first=True, dropout=dropout)
        self.attention = Attention(channels)
        self.dim = channels

    def forward(self, maps: Tensor, mask: Tensor | None) -> Tensor:
        """Map (N, C, M, T) and its mask (N, 1, 1, T) to (N, D)."""
        columns = maps.permute(0, 3, 1, 2).flatten(2)  # (N, T, C x M)
        with torch.autocast(maps.device.type, enabled=False):  # not every CPU has bfloat16 LSTMs
            sequence, _ = self.cell(columns.to(self.cell.weight_ih_l0.dtype))  # (N, T, C)
        positions, weights = self.attention(sequence.transpose(1, 2)[:, :, None], mask)
        embedding: Tensor = (weights @ positions).flatten(1)
        return embedding


class AveragePooling(nn.Module):
    """EmoNet's ``avgpool``: averages of 8x8 cells of a map of fixed size, over their valid cells.

    A smaller axis is averaged as a whole.

    Attributes:
        dim: Size D of the vector.
    """

    def __init__(self, channels: int, rows: int, columns: int) -> None:
        super().__init__()
        self.size = (min(8, rows), min(8, columns))
        self.dim = channels * (rows // self.size[0]) * (columns // self.size[1])

    def forward(self, maps: Tensor, mask: Tensor | None) -> Tensor:
        """Map (N, C, M, T) and its mask (N, 1, 1, T) to (N, D)."""
        pooled = average_pool(maps, mask, self.size, partial=False)
        return pooled.permute(0, 2, 3, 1).flatten(1)  # channels last, as Keras flattens
