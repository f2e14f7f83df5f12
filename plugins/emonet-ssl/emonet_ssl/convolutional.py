"""wav2vec 2.0, HuBERT, WavLM, data2vec and others of that build: strided convolutions, then a transformer."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.errors import ConfigError
from emonet_ssl.backbone import Backbone, Frames, Layer, added_to_scores, valid
from emonet_ssl.loading import load
from emonet_ssl.options import CheckpointOptions

_EPSILON = 1e-7  # of transformers' feature extractor


FAMILIES = ("data2vec-audio", "hubert", "unispeech", "unispeech-sat", "wav2vec2", "wavlm")
"""What ``config.json`` calls the models of this build."""


class ConvolutionalBackbone(Backbone):
    """The parts of ``Wav2Vec2Model`` and its kin, run so that no clip hears another's padding.

    The models' own ``forward`` is not: of checkpoints with a group norm (the base sizes) it takes statistics over
    whole rows, and asks that clips are padded and not masked.
    """

    def __init__(self, options: CheckpointOptions) -> None:
        super().__init__()
        model, extractor = load(options)
        config = model.config
        if getattr(config, "conv_pos_batch_norm", False):
            raise ConfigError(
                f"options.{options.architecture}.checkpoint: {options.checkpoint} has a batch norm over positions, "
                "which hears padding; take another checkpoint"
            )
        self.family, self.width, self.sampling_rate = config.model_type, config.hidden_size, extractor.sampling_rate
        self.normalises, self.norm_first = extractor.do_normalize, getattr(config, "do_stable_layer_norm", False)
        self.signal_part = model.feature_extractor.conv_layers
        self.projection = model.feature_projection
        self.positions = Positions(model.encoder.pos_conv_embed)
        self.norm = None if self.norm_first else model.encoder.layer_norm
        self.dropout = model.encoder.dropout
        self.layers = nn.ModuleList(Layer(layer) for layer in model.encoder.layers)
        if self.norm_first and options.highest == options.depth > 0:
            self.layers[-1].norm = model.encoder.layer_norm
        self.shortest = _receptive_field(self.signal_part)

    def enter(self, waveform: Tensor, lengths: Tensor | None) -> Frames:
        """See ``Backbone.enter``; a clip shorter than a frame is padded to one."""
        if lengths is None:
            waveform = self._levelled(waveform, None)
            waveform = F.pad(waveform, (0, max(0, self.shortest - waveform.shape[1])))
        else:
            waveform = F.pad(self._levelled(waveform, lengths), (0, self.shortest))
            lengths = lengths.clamp_min(self.shortest)
        frames, lengths = self._convolved(waveform[:, None], lengths)
        projected = self.projection(frames.transpose(1, 2))
        hidden = projected[0] if isinstance(projected, tuple) else projected  # (N, T, width)
        mask = None if lengths is None else valid(lengths, hidden.shape[1], hidden)
        hidden = self._placed(hidden, mask)
        return Frames(hidden, mask, mask)

    def layer_inputs(self, frames: Frames) -> dict[str, Any]:
        """Tell the layers where not to look: WavLM takes the mask and its biases, the others what scores are given."""
        if self.family == "wavlm":
            return {"attention_mask": frames.attended, "position_bias": self._biases(frames.hidden)}
        return {"attention_mask": added_to_scores(frames.attended)}

    def through(self, frames: Frames, first: int, last: int) -> list[Tensor]:
        """See ``Backbone.through``."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")  # WavLM's own affair
            return super().through(frames, first, last)

    def _levelled(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Give each clip zero mean and unit variance over its own samples, where pre-training did; zeros behind it."""
        mask = None if lengths is None else valid(lengths, waveform.shape[1], waveform)
        if mask is not None:
            waveform = waveform.masked_fill(mask == 0, 0)
        if not self.normalises:
            return waveform
        if mask is None:
            centred = waveform - waveform.mean(1, keepdim=True)
            return centred * (centred.square().mean(1, keepdim=True) + _EPSILON).rsqrt()
        count = mask.sum(1, keepdim=True)
        centred = (waveform - waveform.sum(1, keepdim=True) / count) * mask
        return centred * (centred.square().sum(1, keepdim=True) / count + _EPSILON).rsqrt()

    def _convolved(self, hidden: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Map (N, 1, S) to frames (N, C, T); of each clip's frames, those that hear nothing but the clip are valid."""
        part: Any = self.signal_part
        for layer in part:
            hidden = layer.conv(hidden)
            if lengths is not None:
                (kernel,), (stride,) = layer.conv.kernel_size, layer.conv.stride
                lengths = torch.div(lengths - kernel, stride, rounding_mode="trunc") + 1
            norm = getattr(layer, "layer_norm", None)
            if isinstance(norm, nn.GroupNorm) and lengths is not None:
                hidden = _group_norm(norm, hidden, valid(lengths, hidden.shape[2], hidden)[:, None])
            elif isinstance(norm, nn.GroupNorm):
                hidden = norm(hidden)
            elif norm is not None:
                hidden = norm(hidden.transpose(1, 2)).transpose(1, 2)
            hidden = layer.activation(hidden)
        return hidden, lengths

    def _biases(self, hidden: Tensor) -> Tensor:
        """Return what WavLM's first layer makes of the distances between frames for all layers: (N x heads, T, T)."""
        first: Any = self.layers[0]
        size = hidden.shape[1]
        found: Tensor = first.layer.attention.compute_bias(size, size).repeat(hidden.shape[0], 1, 1)
        return found

    def _placed(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Add positions to (N, T, width)."""
        if mask is not None:
            hidden = hidden * mask[..., None]  # the positional convolution looks over the edge
        hidden = hidden + self.positions(hidden, mask)
        placed: Tensor = self.dropout(hidden if self.norm is None else self.norm(hidden))
        return placed


class Positions(nn.Module):
    """Convolutions over time; of several in a row (data2vec), each is given zeros behind a clip's end."""

    def __init__(self, convolutions: nn.Module) -> None:
        super().__init__()
        layers = getattr(convolutions, "layers", None)
        self.layers = nn.ModuleList([convolutions] if layers is None else layers)
        self.channels_last = layers is None

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Map (N, T, width), zero behind a clip's end, to (N, T, width)."""
        if self.channels_last:
            return self.layers[0](hidden)  # type: ignore[no-any-return]
        hidden = hidden.transpose(1, 2)
        for layer in self.layers:
            hidden = layer(hidden if mask is None else hidden * mask[:, None])
        return hidden.transpose(1, 2)


def _group_norm(norm: nn.GroupNorm, inputs: Tensor, mask: Tensor) -> Tensor:
    """Normalise (N, C, T), a group for each channel, by the frames where ``mask`` (N, 1, T) is one."""
    inputs, count = inputs.to(mask.dtype), mask.sum(2, keepdim=True)
    centred = inputs - (inputs * mask).sum(2, keepdim=True) / count
    variance = (centred.square() * mask).sum(2, keepdim=True) / count
    return centred * (variance + norm.eps).rsqrt() * norm.weight[:, None] + norm.bias[:, None]


def _receptive_field(layers: Any) -> int:
    """Count the samples that one frame hears."""
    samples = 1
    for layer in reversed(layers):
        samples = (samples - 1) * layer.conv.stride[0] + layer.conv.kernel_size[0]
    return samples
