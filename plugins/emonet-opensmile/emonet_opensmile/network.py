"""Functionals as a network: every clip through openSMILE, standardised."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import numpy as np
import opensmile
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emonet_bench.errors import ExportError
from emonet_bench.features.identity import identify
from emonet_bench.training.linear_models import LinearHead
from emonet_bench.types import AdapterPoint, FrozenFeatures

SHORTEST = 0.1
"""Seconds to which a shorter clip is padded with silence: openSMILE's longest frame, 60 ms, and its deltas fit in."""


class SmileNetwork(nn.Module):
    """Standardised functionals.

    Attributes:
        dim: Number D of functionals.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, functionals: str, sampling_rate: int) -> None:
        super().__init__()
        self.functionals, self.sampling_rate = functionals, sampling_rate
        self.smile = opensmile.Smile(
            opensmile.FeatureSet[functionals], opensmile.FeatureLevel.Functionals, num_workers=1, verbose=False
        )
        self.dim = len(self.smile.feature_names)
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("scale", torch.ones(self.dim))

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D).

        Raises:
            ExportError: A graph is being made of the network.
        """
        return self.embed_frozen(self.frozen(waveform, lengths))

    def frozen(self, waveform: Tensor, lengths: Tensor | None) -> FrozenFeatures:
        """Compute the functionals of waveforms (N, S) with valid lengths (N,): (N, D).

        Raises:
            ExportError: A graph is being made of the network.
        """
        if torch.jit.is_tracing() or torch.onnx.is_in_onnx_export():
            raise ExportError("openSMILE's functionals are no tensor program; export another architecture")
        ends = [waveform.shape[1]] * len(waveform) if lengths is None else lengths.tolist()
        rows = waveform.detach().cpu().float().numpy()
        heard = np.stack([self._functionals(row[:end]) for row, end in zip(rows, ends, strict=True)])
        return FrozenFeatures(torch.from_numpy(heard).to(waveform))

    def embed_frozen(self, features: FrozenFeatures) -> Tensor:
        """Standardise functionals (N, D)."""
        return (features.values - self.mean) / self.scale

    def frozen_id(self) -> str:
        """Identify the functionals: openSMILE's version, which of them, and the sampling rate."""
        what = {"functionals": self.functionals, "sampling_rate": self.sampling_rate}
        return identify({**what, "opensmile": version("opensmile")}, code=[SmileNetwork])

    def _functionals(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = max(0, round(SHORTEST * self.sampling_rate) - len(samples))
        found = self.smile.process_signal(np.pad(samples, (0, missing)), self.sampling_rate)
        values: NDArray[np.float32] = np.nan_to_num(found.to_numpy(dtype=np.float32)[0])  # NaN: undefined in silence
        return values

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Return none: nothing is trained by gradients."""
        return {}

    def make_head(self, classes: int, *, independent: bool = False) -> LinearHead:
        """Make the head that holds the linear model."""
        return LinearHead(self.dim, classes, independent=independent)
