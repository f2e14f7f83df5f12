"""The network around a backbone: a frozen part, then what trains; hidden states pooled over a clip's own frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.errors import ConfigError
from emonet_bench.types import AdapterPoint, FrozenFeatures, InputSpec
from emonet_ssl.automodel import AutoBackbone
from emonet_ssl.backbone import Backbone, Frames
from emonet_ssl.convolutional import FAMILIES, ConvolutionalBackbone
from emonet_ssl.features import in_pieces, packed, unpacked
from emonet_ssl.identity import frozen_identity
from emonet_ssl.options import CheckpointOptions, ProbeOptions, SslOptions
from emonet_ssl.pooling import pooled
from emonet_ssl.whisper import WhisperBackbone


class PooledNetwork(nn.Module):
    """Hidden states of a backbone, pooled over time: the frozen part first, then what trains.

    What lies below the lowest layer that trains is the frozen part, as ``requires_grad`` says at the moment. Where
    nothing in the backbone trains and pooling has no parameters, ``frozen`` gives one row for each clip: (N, D), or
    (N, L, D) of several hidden states. Otherwise it gives the sequence that stands before what trains, with the states
    below it side by side where they are mixed, see ``packed``.

    Attributes:
        dim: Size D of the embedding.
        backbone: What the checkpoint holds, up to the highest layer that is used.
        states: The hidden states that are pooled, ascending.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, options: SslOptions | ProbeOptions, input_spec: InputSpec) -> None:
        super().__init__()
        self.backbone = backbone(options)
        if input_spec.sampling_rate != self.backbone.sampling_rate:
            raise ConfigError(
                f"training.sampling_rate: {options.checkpoint} hears {self.backbone.sampling_rate} samples per second, "
                f"not {input_spec.sampling_rate}; set it to {self.backbone.sampling_rate}"
            )
        self.states, self.pooling, self.normalise = options.states, options.pooling, options.normalise
        self.origin = (options.weights, getattr(options, "context", None))
        self.dim = self.backbone.width * (2 if options.pooling == "statistics" else 1)
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("scale", torch.ones(self.dim))
        self.backbone.requires_grad_(requires_grad=False)

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        return self.embed_frozen(self.frozen(waveform, lengths))

    def frozen(self, waveform: Tensor, lengths: Tensor | None) -> FrozenFeatures:
        """Compute of waveforms (N, S) with valid lengths (N,) what no training changes."""
        states, frames = self._below(waveform, lengths)
        if self.split < self.states[-1]:
            return packed(states, frames)
        if self.pools_frames:
            return packed(states, frames._replace(attended=frames.own))
        return FrozenFeatures(self._rows(states, frames), None)

    def embed_frozen(self, features: FrozenFeatures) -> Tensor:
        """Compute embeddings (N, D) from what ``frozen`` gave."""
        if features.lengths is None:
            return self._joined(features.values)
        rows = in_pieces(features, self._packed_rows) if self.training else self._packed_rows(features)
        return self._joined(rows)

    def frozen_id(self) -> str | None:
        """Identify everything that ``frozen`` depends on; None where something that trains lies inside."""
        if self.backbone.first_trained() is None:
            return None
        split = self.split
        pools = "own" if self.pools_frames else self.pooling
        what = pools if split == self.states[-1] else "attended"
        return frozen_identity(self.backbone, split, (self.origin, self._kept(split), what))

    @property
    def split(self) -> int:
        """The lowest layer that trains, or the highest that is used."""
        return min(self.backbone.first_trained() or 0, self.states[-1])

    @property
    def pools_frames(self) -> bool:
        """Whether pooling itself is trained."""
        return False

    def pool(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Pool frames (N, T, width), by those where ``mask`` (N, T) is one: (N, D)."""
        return pooled(frames, mask, self.pooling)

    def join(self, rows: Tensor) -> Tensor:
        """Make one row (N, D) of those of several hidden states (N, L, D)."""
        raise NotImplementedError

    def normalised(self, rows: Tensor) -> Tensor:
        """Give rows (..., D) zero mean and unit variance, each by itself, where the options say so."""
        return F.layer_norm(rows, rows.shape[-1:]) if self.normalise == "utterance" else rows

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Switch to training; the frozen part is left out of it: dropout there would be mere noise."""
        self.training = mode
        for part in self.children():
            if part is not self.backbone:
                part.train(mode)
        first = self.backbone.first_trained()
        self.backbone.train(mode and first is None)
        for layer in self.backbone.layers[first or 0 :]:
            layer.train(mode)
        return self

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Name a place behind every layer that is used; none where the backbone is run as one."""
        width = self.backbone.width
        paths = [f"backbone.layers.{i}.adapter" for i in range(0 if self.backbone.whole else self.states[-1])]
        return {path: AdapterPoint(path, "sequence", width, width) for path in paths}

    def fold(self) -> PooledNetwork:
        """Merge what LoRA has learnt into the weights."""
        from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: PLC0415 - most networks are folded without peft

        for path, module in list(self.named_modules()):
            if isinstance(module, BaseTunerLayer):
                module.merge()
                owner, _, name = path.rpartition(".")
                setattr(self.get_submodule(owner), name, module.get_base_layer())
        return self

    def _kept(self, split: int) -> list[int]:
        """Return the hidden states that are still needed above the split."""
        return [*(state for state in self.states if state < split), split]

    def _below(self, waveform: Tensor, lengths: Tensor | None) -> tuple[list[Tensor], Frames]:
        """Run the frozen part; return the states that are still needed, the last being that at the split."""
        split = self.split
        states, frames = self.backbone.below(waveform, lengths, split)
        return [states[i] for i in self._kept(split)], frames

    def _packed_rows(self, features: FrozenFeatures) -> Tensor:
        """Do the same with what ``frozen`` gave, see ``packed``."""
        return self._rows(*unpacked(features, self.backbone.width))

    def _rows(self, states: list[Tensor], frames: Frames) -> Tensor:
        """Run the layers above the split, and pool: (N, D), or (N, L, D) where several states are pooled."""
        split = self.split
        above = self.backbone.through(frames, split, self.states[-1])
        found = dict(zip(self._kept(split), states, strict=True))
        found.update(zip(range(split + 1, self.states[-1] + 1), above, strict=True))
        return self.pool_states([found[i] for i in self.states], frames.own)

    def pool_states(self, states: list[Tensor], mask: Tensor | None) -> Tensor:
        """Pool the hidden states (N, T, width) that make the embedding: (N, D), or (N, L, D)."""
        rows = [self.pool(state, mask) for state in states]
        return rows[0] if len(rows) == 1 else torch.stack(rows, 1)

    def _joined(self, rows: Tensor) -> Tensor:
        """Normalise rows (N, D) or (N, L, D), join those of several states, and standardise."""
        rows = self.normalised(rows)
        rows = rows if rows.dim() == 2 else self.join(rows)  # noqa: PLR2004
        return (rows - self.mean) / self.scale


def backbone(options: CheckpointOptions) -> Backbone:
    """Build the backbone that a checkpoint is of."""
    family = options.config["model_type"]
    if family == "whisper":
        return WhisperBackbone(options)  # type: ignore[arg-type]
    return ConvolutionalBackbone(options) if family in FAMILIES else AutoBackbone(options)
