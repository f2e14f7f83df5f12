"""The floor of every table: the most frequent training label, whatever is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Clips
from emonet_bench.networks import Classifier
from emonet_bench.training.linear_models import LinearHead
from emonet_bench.types import AdapterPoint


class ChanceNetwork(nn.Module):
    """Embeds every clip as one.

    Attributes:
        dim: 1.
    """

    dim = 1

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S): ones (N, 1)."""
        ones = torch.ones_like(waveform[:, :1])
        return (
            ones if lengths is None else ones * torch.ones_like(lengths)[:, None]
        )  # so that a graph keeps both inputs

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Return none: there is nothing to adapt."""
        return {}

    def make_head(self, classes: int) -> LinearHead:
        """Make the head that holds the prior."""
        return LinearHead(self.dim, classes)


def fit(classifier: Classifier, train: Clips, dev: Clips, options: Any, seed: int) -> None:  # noqa: ARG001 - the contract
    """Set the logits to the logarithm of the labels' shares of train; a label without clips counts as half a clip."""
    counts = torch.bincount(train.targets.cpu(), minlength=len(train.labels)).double()
    prior = (counts.clamp_min(0.5) / counts.sum()).log()
    head: Any = classifier.heads.active
    head.set(torch.zeros(len(prior), 1), prior)
