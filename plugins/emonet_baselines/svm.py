"""A linear support vector machine on functionals: what speech emotion recognition did before networks, as a network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emonet_baselines.functionals import Functionals
from emonet_baselines.options import SvmOptions
from emonet_bench.frontend.spectrogram import LogMel, Mfcc
from emonet_bench.training.svm import LinearHead
from emonet_bench.types import AdapterPoint, InputSpec


class SvmNetwork(nn.Module):
    """Standardised functionals of the front end's contours.

    Attributes:
        dim: Number D of functionals.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, options: SvmOptions, input_spec: InputSpec) -> None:
        super().__init__()
        if options.features == "mfcc":
            self.front_end: LogMel = Mfcc(options, input_spec.sampling_rate, options.num_mfccs)
        else:
            self.front_end = LogMel(options, input_spec.sampling_rate)
        self.functionals = Functionals()
        self.dim = self.front_end.bands * Functionals.count
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("scale", torch.ones(self.dim))

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        heard: Tensor = self.functionals(*self.front_end(waveform, lengths))
        return (heard - self.mean) / self.scale

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Return none: nothing is trained by gradients."""
        return {}

    def make_head(self, classes: int) -> LinearHead:
        """Make the head that holds the support vector machine."""
        return LinearHead(self.dim, classes)
