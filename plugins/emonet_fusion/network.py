"""The fused network: one decibel spectrogram, a residual and a recurrent branch, their embeddings side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest

import torch
from emonet_cnn.pooling import AttentionPooling
from emonet_cnn.resnet import Trunk
from emonet_rnn.network import RecurrentTrunk
from torch import Tensor, nn

from emonet_bench.frontend.spectrogram import DecibelLogMel
from emonet_bench.types import AdapterPoint, InputSpec
from emonet_fusion.options import FusionOptions


class FusionNetwork(nn.Module):
    """EmoNet's fusion (arXiv 2103.08310): a ResNet with attention over time and frequency beside a recurrent network.

    Attributes:
        dim: Size D of the embedding: the ResNet's channels, then the recurrent network's units.
    """

    def __init__(self, options: FusionOptions, input_spec: InputSpec) -> None:
        super().__init__()
        self.input_spec = replace(input_spec, window=None)  # it hears whole clips
        self.front_end = DecibelLogMel(options, input_spec.sampling_rate)
        self.resnet = Trunk(self.front_end.bands, options)
        self.pooling = AttentionPooling(self.resnet.channels)
        self.recurrent = RecurrentTrunk(self.front_end.bands, options)
        self.dim = self.pooling.dim + self.recurrent.dim

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        features, mask = self.front_end(waveform, lengths)  # (N, mels, T), (N, 1, T)
        seen = self.pooling(*self.resnet(features, mask))
        return torch.cat([seen, self.recurrent.embed_features(features, mask)], 1)

    def ordered_layers(self) -> Sequence[nn.Module]:
        """Return both branches' layers side by side, the highest beside the highest."""
        branches = [*self.resnet.ordered_layers(), self.pooling], self.recurrent.ordered_layers()
        beside = zip_longest(*(reversed(layers) for layers in branches))
        return [nn.ModuleList(part for part in parts if part is not None) for parts in beside][::-1]

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name both branches' places for per-corpus parts."""
        channels = self.resnet.channels
        return {
            **self.resnet.adapter_points("resnet."),
            "pooling": AdapterPoint("pooling", "pooling", channels, channels),
            **self.recurrent.adapter_points("recurrent."),
        }
