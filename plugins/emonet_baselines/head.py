"""The head of what is fitted rather than trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emonet_bench.networks import two_class_logits


class LinearHead(nn.Module):
    """A linear layer; two classes have one unit z for the second label: logits (N, 2) = [0, z]."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.output = nn.Linear(dim, 1 if classes == 2 else classes)  # noqa: PLR2004

    def forward(self, embedding: Tensor) -> Tensor:
        """Map embeddings (N, D) to logits (N, classes)."""
        return two_class_logits(self.output(embedding))

    @torch.no_grad()
    def set(self, weight: Tensor, bias: Tensor) -> None:
        """Set weight (classes, D) and bias (classes,) of the logits; of two classes the difference is kept."""
        if len(weight) != self.output.out_features:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        self.output.weight.copy_(weight)
        self.output.bias.copy_(bias)
