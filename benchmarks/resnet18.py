"""The residual network ResNet-18 of torchvision as a plugin with one architecture, for ``frameworks.py``.

It needs torchvision: ``emonet-bench --plugin benchmarks/resnet18.py run matrix ...``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from emonet_bench import hookimpl
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from emonet_bench.types import AdapterPoint, Architecture, InputSpec


class ResNet18(nn.Module):
    """torchvision's ResNet-18, whose images are log-mel spectrograms.

    Args:
        options: Of the spectrogram.
        input_spec: Its window is what it hears of a clip.

    Attributes:
        dim: Size D of the embedding.
        input_spec: As given: the network knows no mask, so it hears fixed windows.
    """

    dim = 512

    def __init__(self, options: FrontEndOptions, input_spec: InputSpec) -> None:
        from torchvision.models import resnet18  # noqa: PLC0415 - a listing of architectures needs none

        super().__init__()
        self.input_spec = input_spec
        self.front_end = LogMel(options, input_spec.sampling_rate)
        self.trunk = resnet18(weights=None)
        self.trunk.fc = nn.Identity()
        self.trunk.to(memory_format=torch.channels_last)  # feature maps follow their kernels

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Map waveforms (N, S) to (N, D); frames past a clip's length are zero."""
        features, _ = self.front_end(waveform, lengths)  # (N, mels, T)
        embedding: Tensor = self.trunk(features[:, None].expand(-1, 3, -1, -1))
        return embedding

    def make_head(self, classes: int) -> nn.Module:
        """Make the head that torchvision's has: one dense layer."""
        return nn.Linear(self.dim, classes)

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name no place for anything."""
        return {}


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``resnet18``."""
    return [Architecture(name="resnet18", family="cnn", options=FrontEndOptions, build=ResNet18)]
