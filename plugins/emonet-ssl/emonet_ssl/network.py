"""The network around a backbone: a learnt mean of its layers, pooled over a clip's own frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from emonet_bench.errors import ConfigError
from emonet_bench.types import AdapterPoint, InputSpec
from emonet_ssl.backbone import Backbone
from emonet_ssl.convolutional import ConvolutionalBackbone
from emonet_ssl.options import SslOptions
from emonet_ssl.whisper import WhisperBackbone

_TINY = 1e-6
"""Added to a variance: its root has a gradient at zero, too."""


class SslNetwork(nn.Module):
    """The weighted mean of a backbone's hidden states (Yang et al., 2021, "SUPERB"), pooled over time.

    Attributes:
        dim: Size D of the embedding.
        backbone: What the checkpoint holds.
    """

    def __init__(self, options: SslOptions, input_spec: InputSpec) -> None:
        super().__init__()
        kind = WhisperBackbone if options.family == "whisper" else ConvolutionalBackbone
        self.backbone: Backbone = kind(options)
        if input_spec.sampling_rate != self.backbone.sampling_rate:
            raise ConfigError(
                f"training.sampling_rate: {options.checkpoint} hears {self.backbone.sampling_rate} samples per second, "
                f"not {input_spec.sampling_rate}; set it to {self.backbone.sampling_rate}"
            )
        self.family, self.pooling = options.family, options.pooling
        self.layer_weights = nn.Parameter(torch.zeros(len(self.backbone.layers) + 1))
        self.dim = self.backbone.width * (2 if options.pooling == "statistics" else 1)
        if options.finetune == "none":
            self.backbone.requires_grad_(requires_grad=False)
        elif options.finetune == "transformer":
            self.backbone.signal_part.requires_grad_(requires_grad=False)

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        states, mask = self.backbone(waveform, lengths)  # each (N, T, width); (N, T), or None where all are valid
        shares = self.layer_weights.softmax(0)
        mixed = sum(shares[i] * state for i, state in enumerate(states))
        return pooled(mixed, mask, self.pooling)

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Switch to training; dropout in a backbone of which nothing is trained would be mere noise."""
        super().train(mode)
        learns = any(parameter.requires_grad for parameter in self.backbone.parameters())
        self.backbone.train(mode and learns)
        return self

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name a place behind every layer of the transformer."""
        width = self.backbone.width
        paths = [f"backbone.layers.{i}.adapter" for i in range(len(self.backbone.layers))]
        return {path: AdapterPoint(path, "sequence", width, width) for path in paths}

    def fold(self) -> SslNetwork:
        """Merge what LoRA has learnt into the weights."""
        from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: PLC0415 - most networks are folded without peft

        for path, module in list(self.named_modules()):
            if isinstance(module, BaseTunerLayer):
                module.merge()
                owner, _, name = path.rpartition(".")
                setattr(self.get_submodule(owner), name, module.get_base_layer())
        return self


def pooled(frames: Tensor, mask: Tensor | None, pooling: str) -> Tensor:
    """Pool frames (N, T, D) over time, by those where ``mask`` (N, T) is one: (N, D), or (N, 2D) with ``statistics``.

    >>> pooled(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]), "mean")
    tensor([[2.]])
    """
    share: Any = 1 / frames.shape[1]
    if mask is not None:
        share = (mask / mask.sum(1, keepdim=True))[..., None]  # (N, T, 1)
    mean = (frames * share).sum(1)
    if pooling == "mean":
        return mean
    variance = ((frames - mean[:, None]).square() * share).sum(1)
    return torch.cat([mean, (variance + _TINY).sqrt()], 1)
