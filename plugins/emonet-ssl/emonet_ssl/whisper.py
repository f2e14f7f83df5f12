"""Whisper's encoder, with its log-mel spectrogram in front."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.spectrogram import LogMel
from emonet_ssl.backbone import Backbone, Layer, load, valid
from emonet_ssl.options import SslOptions


class WhisperBackbone(Backbone):
    """The encoder of ``WhisperModel``.

    It hears what it was trained on: every clip padded with silence to the model's window (30 s), of a longer one the
    beginning. Only a clip's own frames are pooled.
    """

    def __init__(self, options: SslOptions) -> None:
        super().__init__()
        model, extractor = load(options)
        encoder = model.encoder
        self.width, self.sampling_rate = model.config.d_model, extractor.sampling_rate
        self.front_end = WhisperMel(extractor)
        self.signal_part = nn.ModuleList([encoder.conv1, encoder.conv2])
        self.positions, self.norm, self.dropout = encoder.embed_positions, encoder.layer_norm, encoder.dropout
        self.layers = nn.ModuleList(Layer(layer) for layer in encoder.layers)
        self.samples = 2 * encoder.max_source_positions * self.front_end.options.hop

    def forward(self, waveform: Tensor, lengths: Tensor | None) -> tuple[list[Tensor], Tensor | None]:
        """See ``Backbone.forward``."""
        if lengths is None:
            lengths = torch.full_like(waveform[:, 0], waveform.shape[1], dtype=torch.int64)
        lengths = lengths.clamp_max(self.samples)
        waveform = F.pad(waveform, (0, self.samples))[:, : self.samples]
        hidden = self.front_end(waveform.masked_fill(valid(lengths, self.samples, waveform) == 0, 0))
        for convolution in self.signal_part:
            hidden = F.gelu(convolution(hidden))
        hidden = hidden.transpose(1, 2) + self.positions.weight  # (N, T, width)
        hidden = F.dropout(hidden, self.dropout, self.training)
        states = [hidden]
        for layer in self.layers:
            hidden, _ = layer(hidden, attention_mask=None)
            states.append(hidden)
        states[-1] = self.norm(hidden)
        return states, valid(self._frames(lengths), hidden.shape[1], hidden)

    def _frames(self, lengths: Tensor) -> Tensor:
        """Count a clip's own frames: a spectrum for every hop that begins in it, and half as many after convolution."""
        spectra = torch.div(lengths - 1, self.front_end.options.hop, rounding_mode="floor") + 1
        return torch.div(spectra - 1, 2, rounding_mode="floor") + 1


class WhisperMel(LogMel):
    """Whisper's log-mel spectrogram: centred frames, decimal logarithm, all but eight decades below the maximum cut."""

    def __init__(self, extractor: object) -> None:
        rate, bands = extractor.sampling_rate, extractor.feature_size  # type: ignore[attr-defined]
        n_fft, hop = extractor.n_fft, extractor.hop_length  # type: ignore[attr-defined]
        super().__init__(FrontEndOptions(num_mels=bands, n_fft=n_fft, hop=hop, f_min=0, f_max=rate / 2), rate)
        self.constant("bank", torch.from_numpy(extractor.mel_filters))  # type: ignore[attr-defined]

    def forward(self, waveform: Tensor) -> Tensor:  # type: ignore[override]
        """Map waveforms (N, S), zero behind a clip's end, to (N, bands, S / hop)."""
        half = self.options.n_fft // 2
        with torch.autocast(waveform.device.type, enabled=False):
            waveform = F.pad(waveform.to(self.bank.dtype), (half, 0), mode="reflect")
            mel = self.mel(F.pad(waveform, (0, half - self.options.hop)))
            decades = mel.clamp_min(1e-10).log10()
            decades = torch.maximum(decades, decades.amax((1, 2), keepdim=True) - 8)
            return (decades + 4) / 4
