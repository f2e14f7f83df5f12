"""Test networks that strategies are tried on: one with every kind of adapter point, and one with none."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from emonet_bench.config import Options
from emonet_bench.networks import MaskedBatchNorm
from emonet_bench.types import AdapterPoint, Architecture, InputSpec

_FRAME = 32  # samples, without overlap
_CHANNELS = 4


class AdaptableNetwork(nn.Module):
    """Frames of the waveform, a strided convolution, a batch norm, a dense layer and weighted pooling over time.

    Attributes:
        dim: 6.
    """

    dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, _CHANNELS, 3, stride=2, padding=1)
        self.beside: nn.Module | None = None
        self.norm = MaskedBatchNorm(_CHANNELS)
        self.dense = nn.Linear(_CHANNELS * _FRAME // 2, self.dim)
        self.after: nn.Module | None = None
        self.attention = nn.Linear(self.dim, 1)

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, 6)."""
        frames, mask = _framed(waveform, lengths)  # (N, 1, F, T), (N, 1, 1, T)
        mapped = self.convolution(frames)  # (N, C, F / 2, T / 2)
        if self.beside is not None:
            mapped = mapped + self.beside(frames)
        mask = mask[..., ::2]
        sequence = self.dense(self.norm(mapped, mask).relu().flatten(1, 2).transpose(1, 2))  # (N, T / 2, D)
        if self.after is not None:
            sequence = self.after(sequence)
        weight = self.attention(sequence).masked_fill(mask[:, 0].transpose(1, 2) == 0, -torch.inf).softmax(1)
        embedding: Tensor = (weight * sequence).sum(1)
        return embedding

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name one place of each kind."""
        return {
            "beside": AdapterPoint("beside", "conv", 1, _CHANNELS, stride=2),
            "after": AdapterPoint("after", "sequence", self.dim, self.dim),
            "norm": AdapterPoint("norm", "norm", _CHANNELS, _CHANNELS),
            "attention": AdapterPoint("attention", "pooling", self.dim, 1),
        }


class PlainNetwork(nn.Module):
    """Frames of the waveform, a dense layer and the mean over time.

    Attributes:
        dim: 6.
    """

    dim = 6

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(_FRAME, self.dim)

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, 6)."""
        frames, mask = _framed(waveform, lengths)
        sequence = self.dense(frames[:, 0].transpose(1, 2)).relu()  # (N, T, D)
        valid = mask[:, 0].transpose(1, 2)
        embedding: Tensor = (sequence * valid).sum(1) / valid.sum(1)
        return embedding

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name none."""
        return {}


class NoOptions(Options):
    """The architecture has no options."""


def _build(network: type[nn.Module]) -> Architecture:
    def build(options: NoOptions, input_spec: InputSpec) -> nn.Module:  # noqa: ARG001 - the contract
        return network()

    return Architecture(network.__name__, "kit", NoOptions, build)


ADAPTABLE, PLAIN = _build(AdaptableNetwork), _build(PlainNetwork)


def _framed(waveform: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Cut waveforms (N, S) into frames (N, 1, F, T), with a mask (N, 1, 1, T) of those that are valid."""
    samples = torch.arange(waveform.shape[1], device=waveform.device)
    valid = torch.ones_like(waveform) if lengths is None else (samples < lengths[:, None]).to(waveform)  # (N, S)
    missing = (_FRAME - waveform.shape[1] % _FRAME) % _FRAME
    frames, mask = (
        nn.functional.pad(rows, (0, missing)).reshape(waveform.shape[0], -1, _FRAME).transpose(1, 2)
        for rows in (waveform * valid, valid)
    )
    return frames[:, None], mask.amax(1)[:, None, None]
