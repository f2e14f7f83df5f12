"""The floor of every table: what is most likely in train, whatever is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

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

    def make_head(self, classes: int, *, independent: bool = False) -> LinearHead:
        """Make the head that holds the prior."""
        return LinearHead(self.dim, classes, independent=independent)


def fit(classifier: Classifier, train: Clips, dev: Clips, options: Any, seed: int) -> None:  # noqa: ARG001 - the contract
    """Set the logits to what is most likely in train: of labels and votes the logarithm of their shares.

    A label without clips counts as half a clip. Of a label set it is each label's log-odds; of values their mean, which
    has the least squared error that one answer for all can have.
    """
    targets = train.targets.cpu()
    if train.kind == "label":
        targets = F.one_hot(targets, len(train.labels))
    counts = targets.double().sum(0)  # (K,)
    if train.kind == "values":
        logits = counts / len(train)
    elif train.kind == "label-set":
        logits = (counts.clamp(0.5, len(train) - 0.5) / len(train)).logit()
    else:
        logits = (counts.clamp_min(0.5) / counts.sum()).log()
    head: Any = classifier.heads.active
    head.set(torch.zeros(len(logits), 1), logits)
