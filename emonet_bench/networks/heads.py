"""Classification heads: embeddings to logits."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.networks.batch_norm import MaskedBatchNorm


class Head(nn.Module):
    """EmoNet's classification head: dense D to D/2, batch norm, ReLU, dropout, dense to the classes.

    Two classes have one unit z for the second label: logits (N, 2) = [0, z].

    Args:
        dim: Size D of the embedding.
        classes: Number K of logits.
        dropout: Share of hidden units that training drops.
        independent: Whether each logit is for itself, as those of label sets and values are: also one or two of them.
    """

    def __init__(self, dim: int, classes: int, *, dropout: float = 0.2, independent: bool = False) -> None:
        super().__init__()
        hidden = max(1, dim // 2)
        self.independent = independent
        self.dense = nn.Linear(dim, hidden)
        self.norm = MaskedBatchNorm(hidden)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, 1 if classes == 2 and not independent else classes)  # noqa: PLR2004

    def forward(self, embedding: Tensor) -> Tensor:
        """Map embeddings (N, D) to logits (N, classes)."""
        hidden = self.dropout(F.relu(self.norm(self.dense(embedding))))
        logits = self.output(hidden)
        return logits if self.independent else two_class_logits(logits)


def two_class_logits(units: Tensor) -> Tensor:
    """Turn one unit (N, 1) into two logits [0, z]; more units are logits already."""
    return F.pad(units, (1, 0)) if units.shape[-1] == 1 else units
