"""Heads: from an embedding to logits."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.networks import Head, MaskedBatchNorm, two_class_logits

HIDDEN = 128
"""Features of each hidden layer of ``mlp``."""


class DenseHead(nn.Module):
    """Standardised features through dense layers with ReLU and dropout between them.

    Two classes have one unit z for the second label: logits (N, 2) = [0, z]; not so where logits are independent.
    """

    def __init__(self, dim: int, classes: int, hidden: int, *, dropout: float = 0.2, independent: bool = False) -> None:
        super().__init__()
        self.independent = independent
        self.norm = MaskedBatchNorm(dim)
        sizes = [dim, *[HIDDEN] * hidden]
        self.hidden = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(sizes))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes[-1], 1 if classes == 2 and not independent else classes)  # noqa: PLR2004

    def forward(self, embedding: Tensor) -> Tensor:
        """Map embeddings (N, D) to logits (N, classes)."""
        features = self.norm(embedding)
        for layer in self.hidden:
            features = self.dropout(F.relu(layer(features)))
        logits = self.output(features)
        return logits if self.independent else two_class_logits(logits)


def head(kind: str, dim: int, classes: int, *, independent: bool = False) -> nn.Module:
    """Make a head: ``linear``, ``mlp`` or ``emonet``."""
    if kind == "emonet":
        return Head(dim, classes, independent=independent)
    return DenseHead(dim, classes, 2 if kind == "mlp" else 0, independent=independent)
