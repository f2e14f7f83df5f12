"""Whisper's encoder, with its log-mel spectrogram in front."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention
from torch.onnx.operators import shape_as_tensor

from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from emonet_ssl.backbone import Backbone, Frames, Layer, added_to_scores, valid
from emonet_ssl.families import WhisperCheckpoint
from emonet_ssl.loading import load

MARGIN = 1.0
"""Seconds of silence behind a clip, where the context is the clip."""

_ENCODER = {r"^(model\.)?encoder\.": ""}  # names in checkpoints of the whole model


class WhisperBackbone(Backbone):
    """``WhisperEncoder``; only a clip's own frames are pooled.

    It is given the 30 s of its training, less, or the clip and a margin: what it makes of a clip is then
    what it would make of the clip and so much silence alone.
    """

    positions: Tensor

    def __init__(self, options: WhisperCheckpoint) -> None:
        super().__init__()
        from transformers.models.whisper.modeling_whisper import WhisperEncoder  # noqa: PLC0415 - seconds of import

        encoder, extractor = load(options, WhisperEncoder, _ENCODER)
        self.width, self.sampling_rate = encoder.config.d_model, extractor.sampling_rate
        self.front_end = WhisperMel(extractor)
        self.signal_part = nn.ModuleList([encoder.conv1, encoder.conv2])
        self.dropout = encoder.dropout
        self.layers = nn.ModuleList(Layer(layer) for layer in encoder.layers)
        if options.highest == options.depth > 0:
            self.layers[-1].norm = encoder.layer_norm
        self.hop = 2 * self.front_end.options.hop  # samples of a frame
        self.cut = options.context == "clip"
        self.margin = round(MARGIN * self.sampling_rate / self.hop)
        self.longest = encoder.max_source_positions
        if isinstance(options.context, float):
            self.longest = min(self.longest, round(options.context * self.sampling_rate / self.hop))
        self.register_buffer("positions", encoder.embed_positions.weight[: self.longest].detach().clone())

    def enter(self, waveform: Tensor, lengths: Tensor | None) -> Frames:
        """See ``Backbone.enter``."""
        size = shape_as_tensor(waveform)[1]
        given = size.to(waveform.device).expand(waveform.shape[0]) if lengths is None else lengths
        own, frames = self._frames(given.clamp_max(self.longest * self.hop)), self.longest
        attended = None
        if self.cut:
            frames = (self._frames(size) + self.margin).clamp_max(self.longest)
            if lengths is not None:
                attended = valid((own + self.margin).clamp_max(self.longest), frames, waveform)
        hidden = self._convolved(self._silenced(waveform, lengths, frames * self.hop), attended)
        hidden = hidden.transpose(1, 2) + self.positions[:frames]  # (N, T, width)
        hidden = F.dropout(hidden, self.dropout, self.training)
        return Frames(hidden, valid(own, frames, hidden), attended)

    def layer_inputs(self, frames: Frames) -> dict[str, Any]:
        """See ``Backbone.layer_inputs``."""
        return {"attention_mask": added_to_scores(frames.attended)}

    def _frames(self, lengths: Tensor) -> Tensor:
        """Count a clip's own frames: one for every two spectra that begin in it."""
        return torch.div(lengths - 1, self.hop, rounding_mode="trunc") + 1

    def _silenced(self, waveform: Tensor, lengths: Tensor | None, size: Tensor | int) -> Tensor:
        """Pad or cut waveforms (N, S) to a size, with silence behind each clip's end."""
        frames = self.margin + 1 if self.cut else self.longest
        waveform = F.pad(waveform, (0, frames * self.hop))[:, :size]
        if lengths is None:
            return waveform
        return waveform.masked_fill(valid(lengths, size, waveform) == 0, 0)

    def _convolved(self, waveform: Tensor, attended: Tensor | None) -> Tensor:
        """Map waveforms (N, S) to (N, width, T), as if nothing stood behind the frames that are attended."""
        hidden: Tensor = self.front_end(waveform)  # (N, bands, 2T)
        if attended is not None:
            hidden = hidden * torch.stack([attended, attended], 2).flatten(1)[:, None]
        for convolution in self.signal_part:
            hidden = F.gelu(convolution(hidden))
        return hidden


class WhisperMel(LogMel):
    """Whisper's log-mel spectrogram: centred frames, decimal logarithm, all but eight decades below the maximum cut."""

    def __init__(self, extractor: object) -> None:
        rate, bands = extractor.sampling_rate, extractor.feature_size  # type: ignore[attr-defined]
        n_fft, hop = extractor.n_fft, extractor.hop_length  # type: ignore[attr-defined]
        super().__init__(FrontEndOptions(num_mels=bands, n_fft=n_fft, hop=hop, f_min=0, f_max=rate / 2), rate)
        self.constant("bank", torch.from_numpy(extractor.mel_filters))  # type: ignore[attr-defined]

    def forward(self, waveform: Tensor) -> Tensor:  # type: ignore[override]
        """Map waveforms (N, S), zero behind a clip's end, to (N, bands, S / hop).

        Silence is never a maximum, so the eight decades are those of a clip's own frames.
        """
        half = self.options.n_fft // 2
        with torch.autocast(waveform.device.type, enabled=False):
            waveform = F.pad(waveform.to(self.bank.dtype), (half, 0), mode="reflect")
            mel = self.mel(F.pad(waveform, (0, half - self.options.hop)))
            decades = mel.clamp_min(1e-10).log10()
            decades = torch.maximum(decades, decades.amax((1, 2), keepdim=True) - 8)
            return (decades + 4) / 4
