"""wav2vec 2.0, HuBERT and WavLM: strided convolutions over the waveform, then a transformer."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.errors import ConfigError
from emonet_ssl.backbone import Backbone, Layer, load, valid
from emonet_ssl.options import SslOptions

_EPSILON = 1e-7  # of transformers' feature extractor


class ConvolutionalBackbone(Backbone):
    """The parts of ``Wav2Vec2Model``, ``HubertModel`` or ``WavLMModel``, run so that no clip hears another's padding.

    The models' own ``forward`` is not: of checkpoints with a group norm (the base sizes) it takes statistics over
    whole rows, and asks that clips are padded and not masked.
    """

    def __init__(self, options: SslOptions) -> None:
        super().__init__()
        model, extractor = load(options)
        config = model.config
        if getattr(config, "conv_pos_batch_norm", False):
            raise ConfigError(
                f"options.{options.family}.checkpoint: {options.checkpoint} has a batch norm over positions, which "
                "hears padding; take another checkpoint"
            )
        self.family, self.width, self.sampling_rate = options.family, config.hidden_size, extractor.sampling_rate
        self.normalises, self.norm_first = extractor.do_normalize, config.do_stable_layer_norm
        self.signal_part = model.feature_extractor.conv_layers
        self.projection = model.feature_projection
        self.positions = model.encoder.pos_conv_embed
        self.norm, self.dropout = model.encoder.layer_norm, model.encoder.dropout
        self.layers = nn.ModuleList(Layer(layer) for layer in model.encoder.layers)
        self.shortest = _receptive_field(self.signal_part)

    def forward(self, waveform: Tensor, lengths: Tensor | None) -> tuple[list[Tensor], Tensor | None]:
        """See ``Backbone.forward``; a clip shorter than a frame is padded to one."""
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
        return self._transformed(hidden, mask), mask

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
        for layer in self.signal_part:
            hidden = layer.conv(hidden)
            if lengths is not None:
                (kernel,), (stride,) = layer.conv.kernel_size, layer.conv.stride
                lengths = torch.div(lengths - kernel, stride, rounding_mode="floor") + 1
            norm = getattr(layer, "layer_norm", None)
            if isinstance(norm, nn.GroupNorm) and lengths is not None:
                hidden = _group_norm(norm, hidden, valid(lengths, hidden.shape[2], hidden)[:, None])
            elif isinstance(norm, nn.GroupNorm):
                hidden = norm(hidden)
            elif norm is not None:
                hidden = norm(hidden.transpose(1, 2)).transpose(1, 2)
            hidden = layer.activation(hidden)
        return hidden, lengths

    def _transformed(self, hidden: Tensor, mask: Tensor | None) -> list[Tensor]:
        """Run the transformer over (N, T, width) and return its hidden states."""
        if mask is not None:
            hidden = hidden * mask[..., None]  # the positional convolution looks over the edge
        hidden = hidden + self.positions(hidden)
        hidden = self.dropout(hidden if self.norm_first else self.norm(hidden))
        states, given = [hidden], self._attention(mask)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")  # WavLM's own affair
            for layer in self.layers:
                hidden, more = layer(hidden, **given)
                states.append(hidden)
                if self.family == "wavlm":
                    given["position_bias"] = more[0]  # made by the first layer for all
        if self.norm_first:
            states[-1] = self.norm(hidden)
        return states

    def _attention(self, mask: Tensor | None) -> dict[str, Any]:
        """Tell the layers where not to look: WavLM takes the mask, the others what is added to the scores."""
        if mask is None or self.family == "wavlm":
            return {"attention_mask": mask}
        lowest = torch.finfo(mask.dtype).min
        return {"attention_mask": (1 - mask)[:, None, None] * lowest}


def _group_norm(norm: nn.GroupNorm, inputs: Tensor, mask: Tensor) -> Tensor:
    """Normalise (N, C, T), a group for each channel, by the frames where ``mask`` (N, 1, T) is one."""
    inputs, count = inputs.to(mask.dtype), mask.sum(2, keepdim=True)
    centred = inputs - (inputs * mask).sum(2, keepdim=True) / count
    variance = (centred.square() * mask).sum(2, keepdim=True) / count
    return centred * (variance + norm.eps).rsqrt() * norm.weight[:, None] + norm.bias[:, None]


def _receptive_field(layers: nn.ModuleList) -> int:
    """Count the samples that one frame hears."""
    samples = 1
    for layer in reversed(layers):
        samples = (samples - 1) * layer.conv.stride[0] + layer.conv.kernel_size[0]
    return samples
