"""The network whose head is trained: one hidden state or a learnt mix, and what of the backbone learns with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.errors import ConfigError
from emonet_bench.types import AdapterPoint, InputSpec
from emonet_ssl.heads import head
from emonet_ssl.options import SslOptions
from emonet_ssl.pooled import PooledNetwork
from emonet_ssl.pooling import AttentionPooling


class SslNetwork(PooledNetwork):
    """One hidden state, or the weighted mean of all (Yang et al., 2021, "SUPERB"), pooled over time."""

    def __init__(self, options: SslOptions, input_spec: InputSpec) -> None:
        super().__init__(options, input_spec)
        self.head = options.head
        if options.layer == "mix":
            self.layer_weights = nn.Parameter(torch.zeros(len(self.states)))
        if options.pooling == "attention":
            self.attention = AttentionPooling(self.backbone.width)
        self._train_backbone(options)

    @property
    def pools_frames(self) -> bool:
        """See ``PooledNetwork.pools_frames``."""
        return self.pooling == "attention"

    def pool_states(self, states: list[Tensor], mask: Tensor | None) -> Tensor:
        """See ``PooledNetwork.pool_states``; a learnt query sees frames that are mixed already."""
        if not self.pools_frames:
            return super().pool_states(states, mask)
        mixed = states[0] if len(states) == 1 else self.join(torch.stack(states, -2))
        pooled_: Tensor = self.attention(mixed, mask)
        return pooled_

    def join(self, rows: Tensor) -> Tensor:
        """Mix (..., L, D) to (..., D)."""
        return (self.layer_weights.softmax(0)[:, None] * rows).sum(-2)

    def make_head(self, classes: int, *, independent: bool = False) -> nn.Module:
        """Make the head that the options name."""
        return head(self.head, self.dim, classes, independent=independent)

    def ordered_layers(self) -> Sequence[nn.Module]:
        """Return what stands before the transformer as one, then its layers."""
        before = nn.ModuleList(part for part in self.backbone.children() if part is not self.backbone.layers)
        return [before, *self.backbone.layers]

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name a place behind every layer that is used, and the pooling where it is trained."""
        points = dict(super().adapter_points())
        if self.pools_frames:
            points["attention"] = AdapterPoint("attention", "pooling", self.dim, self.dim)
        return points

    def _train_backbone(self, options: SslOptions) -> None:
        if options.finetune == "none":
            return
        if self.backbone.whole:
            raise ConfigError(
                f"options.{options.architecture}.finetune: {options.checkpoint} is run as one and stays frozen; "
                "set it to 'none'"
            )
        trained: Any = self.backbone if options.upper is None else self.backbone.layers[-options.upper :]
        trained.requires_grad_(requires_grad=True)
        if options.finetune == "transformer":
            self.backbone.signal_part.requires_grad_(requires_grad=False)
