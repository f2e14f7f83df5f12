"""A linear support vector machine on functionals: what speech emotion recognition did before networks, as a network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emonet_baselines.functionals import Functionals
from emonet_baselines.options import FunctionalsOptions
from emonet_bench.features.identity import identify
from emonet_bench.frontend.power import Power
from emonet_bench.frontend.spectrogram import LogMel, Mfcc
from emonet_bench.training.linear_models import LinearHead
from emonet_bench.types import AdapterPoint, FrozenFeatures, InputSpec

_HEARD = {
    "features",
    "num_mfccs",
    "num_mels",
    "n_fft",
    "hop",
    "f_min",
    "f_max",
    "triangles",
    "normalise",
}
"""The options that change functionals; the others act in training by gradients only."""


class FunctionalsNetwork(nn.Module):
    """Standardised functionals of the front end's contours.

    Attributes:
        dim: Number D of functionals.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, options: FunctionalsOptions, input_spec: InputSpec) -> None:
        super().__init__()
        if options.features == "mfcc":
            self.front_end: LogMel = Mfcc(options, input_spec.sampling_rate, options.num_mfccs)
        else:
            self.front_end = LogMel(options, input_spec.sampling_rate)
        self.functionals = Functionals()
        self.heard = {**options.model_dump(include=_HEARD), "sampling_rate": input_spec.sampling_rate}
        self.dim = self.front_end.bands * Functionals.count
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("scale", torch.ones(self.dim))

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        return self.embed_frozen(self.frozen(waveform, lengths))

    def frozen(self, waveform: Tensor, lengths: Tensor | None) -> FrozenFeatures:
        """Compute the functionals of waveforms (N, S) with valid lengths (N,): (N, D)."""
        return FrozenFeatures(self.functionals(*self.front_end(waveform, lengths)))

    def embed_frozen(self, features: FrozenFeatures) -> Tensor:
        """Standardise functionals (N, D)."""
        return (features.values - self.mean) / self.scale

    def frozen_id(self) -> str:
        """Identify the functionals by options, sampling rate and code."""
        return identify(self.heard, code=[FunctionalsNetwork, Mfcc, Functionals, Power])

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Return none: nothing is trained by gradients."""
        return {}


class SvmNetwork(FunctionalsNetwork):
    """Standardised functionals with a linear head."""

    def make_head(self, classes: int, *, independent: bool = False) -> nn.Module:
        """Make the head that holds the support vector machine, or another linear model."""
        return LinearHead(self.dim, classes, independent=independent)
