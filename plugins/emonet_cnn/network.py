"""The convolutional network: log-mel front end, residual trunk and a pooling of its feature map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.errors import ConfigError
from emonet_bench.frontend.spectrogram import LogMel
from emonet_bench.networks import centre_crop
from emonet_bench.types import AdapterPoint, InputSpec
from emonet_cnn.options import CnnOptions
from emonet_cnn.pooling import AttentionPooling, AveragePooling, RecurrentPooling, StatisticsPooling
from emonet_cnn.resnet import Trunk


class Cnn(nn.Module):
    """EmoNet's ResNet (arXiv 2103.08310), ready for residual adapters (Rebuffi et al., 2018).

    Args:
        options: Sizes, classifier and front end.
        input_spec: What it hears; ``avgpool`` needs a fixed window.

    Attributes:
        dim: Size D of the embedding.
        input_spec: What it hears of a clip: with ``avgpool`` the centre window, otherwise all of it.

    Raises:
        ConfigError: ``avgpool`` without a window.
    """

    def __init__(self, options: CnnOptions, input_spec: InputSpec) -> None:
        super().__init__()
        self.front_end = LogMel(options, input_spec.sampling_rate)
        self.trunk = Trunk(options.num_mels, options)
        self.fixed = options.classifier == "avgpool"
        self.input_spec = input_spec if self.fixed else replace(input_spec, window=None)
        pooling: Any = _pooling(options, self.trunk, input_spec)
        self.pooling = pooling
        self.dim: int = pooling.dim

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        if self.fixed:
            waveform, lengths = _windowed(waveform, lengths, self.input_spec)
        return self.embed_features(*self.front_end(waveform, lengths))

    def embed_features(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """Embed log-mel spectrograms.

        Args:
            features: (N, mels, T), zero where masked.
            mask: (N, 1, T), one in a clip's own frames; None where all are.

        Returns:
            (N, D).
        """
        embedding: Tensor = self.pooling(*self.trunk(features, mask))
        return embedding

    def ordered_layers(self) -> Sequence[nn.Module]:
        """Return the trunk's layers and the pooling."""
        return [*self.trunk.ordered_layers(), self.pooling]

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name the places for per-corpus parts."""
        points = dict(self.trunk.adapter_points("trunk."))
        if next(self.pooling.parameters(), None) is not None:
            points["pooling"] = AdapterPoint("pooling", "pooling", self.trunk.channels, self.dim)
        return points


def _pooling(options: CnnOptions, trunk: Trunk, input_spec: InputSpec) -> nn.Module:
    if options.classifier == "FCNAttention":
        return AttentionPooling(trunk.channels)
    if options.classifier == "statistics":
        return StatisticsPooling(trunk.channels)
    if options.classifier == "rnn":
        return RecurrentPooling(trunk.channels, trunk.rows, options.rnn_dropout)
    if input_spec.window is None:
        raise ConfigError("classifier: avgpool needs clips of one length; set training.window, or another classifier")
    columns = -(-options.frames(input_spec.window) // 8)  # three stages halve them
    return AveragePooling(trunk.channels, trunk.rows, columns)


def _windowed(waveform: Tensor, lengths: Tensor | None, input_spec: InputSpec) -> tuple[Tensor, Tensor | None]:
    """Cut or pad clips to the fixed window, unless that is what they are: evaluation and exports have cut them."""
    if waveform.shape[1] == input_spec.window:
        return waveform, lengths
    if lengths is None:
        lengths = torch.full_like(waveform[:, 0], waveform.shape[1], dtype=torch.int64)
    return centre_crop(waveform, lengths, input_spec)
