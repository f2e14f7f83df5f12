"""Log-mel spectrograms, decibels and MFCCs as modules."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from emonet_bench.errors import ConfigError
from emonet_bench.frontend.augmentation import augment_features, augment_waveform
from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.power import Exact, Power
from emonet_bench.frontend.statistics import normalised


class LogMel(Exact):
    """Log-mel spectrogram: periodic Hann frames, no centring, HTK mel power without area normalisation, ln(mel + 1e-6).

    It computes in the dtype that the module was moved to, in float32 at least, whatever autocast says.

    Args:
        options: Sizes, normalisation and augmentation.
        sampling_rate: Samples per second of the waveform.

    Attributes:
        bands: Features of a frame.
        augmentations: What is done to spectrograms (N, mels, T) under a mask in training, beside what the options say.

    Raises:
        ConfigError: The highest frequency is above half of the sampling rate, or not above the lowest.
    """

    bank: Tensor

    def __init__(self, options: FrontEndOptions, sampling_rate: int = 16_000) -> None:
        super().__init__()
        if options.f_max > sampling_rate / 2:
            raise ConfigError(
                f"f_max: {options.f_max:g} Hz is above half of the sampling rate; set at most {sampling_rate / 2:g}"
            )
        if options.f_min >= options.f_max:
            raise ConfigError(f"f_min: {options.f_min:g} Hz is not below f_max ({options.f_max:g} Hz); lower it")
        self.options = options
        self.bands = options.num_mels
        self.augmentations: tuple[Callable[[Tensor, Tensor | None], Tensor], ...] = ()
        self.power = Power(options.n_fft, options.hop)
        self.constant("bank", mel_bank(options, sampling_rate))  # (bins, mels)

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Turn waveforms into features.

        Args:
            waveform: (N, S) in [-1, 1]; what lies past a clip's length is ignored.
            lengths: (N,) int64 valid samples, or None where every clip fills its row.

        Returns:
            Features (N, bands, T), zero where masked, and the mask (N, 1, T): one in the clip's own frames, zero after;
            None where ``lengths`` is None. Digital silence is not masked.
        """
        with torch.autocast(waveform.device.type, enabled=False):
            waveform = waveform.to(self.bank.dtype)
            if self.training:
                waveform, lengths = augment_waveform(waveform, lengths, self.options)
            if lengths is not None:
                past = torch.arange(waveform.shape[1], device=waveform.device) >= lengths[:, None]  # (N, S)
                waveform = waveform.masked_fill(past, 0)
            mel = self.mel(waveform)
            mask = None if lengths is None else self._mask(mel, lengths)
            features = self.compress(mel, mask)
            if self.options.normalise == "utterance":
                features = normalised(features, mask)
            if self.training:
                features = augment_features(features, mask, self.options)
                for change in self.augmentations:
                    features = change(features, mask)
            features = self.transform(features if mask is None else features * mask)
        return features, mask

    def mel(self, waveform: Tensor) -> Tensor:
        """Return the mel power (N, mels, T) of waveforms (N, S); rows shorter than a frame are padded to one."""
        if torch.onnx.is_in_onnx_export():
            return self.bank[self.power.order].T @ self.power.by_products(waveform).transpose(1, 2)
        return (self.power.by_fft(waveform) @ self.bank).transpose(1, 2)  # one product for the whole batch

    def compress(self, mel: Tensor, mask: Tensor | None) -> Tensor:  # noqa: ARG002 - others need the mask
        """Map mel power (N, mels, T) to a logarithmic scale."""
        return (mel + 1e-6).log()

    def transform(self, features: Tensor) -> Tensor:
        """Map the masked spectrogram (N, mels, T) to the features (N, bands, T), linearly."""
        return features

    def _mask(self, mel: Tensor, lengths: Tensor) -> Tensor:
        beyond = (lengths - self.options.n_fft).clamp_min(0)
        frames = 1 + torch.div(beyond, self.options.hop, rounding_mode="trunc")  # (N,)
        return (torch.arange(mel.shape[2], device=mel.device) < frames[:, None, None]).to(mel.dtype)


class DecibelLogMel(LogMel):
    """Mel power in decibels under the clip's own maximum, floored at -80 dB."""

    def compress(self, mel: Tensor, mask: Tensor | None) -> Tensor:
        """Map mel power (N, mels, T) to decibels in [-80, 0]; the maximum is taken over the clip's own frames."""
        decibels = 10 * mel.clamp_min(1e-10).log10()
        own = decibels if mask is None else decibels.masked_fill(mask == 0, -math.inf)
        return (decibels - own.amax((1, 2), keepdim=True)).clamp(-80, 0)


class Mfcc(LogMel):
    """Mel-frequency cepstral coefficients: the orthonormal DCT-II of the log-mel spectrogram.

    Args:
        options: Sizes, normalisation (of the log-mel) and augmentation.
        sampling_rate: Samples per second of the waveform.
        num_mfccs: Coefficients of a frame.

    Raises:
        ConfigError: More coefficients than mel bands.
    """

    dct: Tensor

    def __init__(self, options: FrontEndOptions, sampling_rate: int = 16_000, num_mfccs: int = 40) -> None:
        from torchaudio.functional import create_dct  # noqa: PLC0415 - seconds of import

        super().__init__(options, sampling_rate)
        if num_mfccs > options.num_mels:
            raise ConfigError(f"num_mfccs: {num_mfccs} is more than num_mels ({options.num_mels}); lower it")
        self.bands = num_mfccs
        self.constant("dct", create_dct(num_mfccs, options.num_mels, norm="ortho"))  # (mels, mfccs)

    def transform(self, features: Tensor) -> Tensor:
        """Map log-mels (N, mels, T) to coefficients (N, mfccs, T)."""
        return self.dct.T @ features


def mel_bank(options: FrontEndOptions, sampling_rate: int) -> Tensor:
    """Return the weights (n_fft / 2 + 1, mels) of triangular mel bands (HTK's mel, 2595 log10(1 + f / 700))."""
    from torchaudio.functional import melscale_fbanks  # noqa: PLC0415 - seconds of import

    bins = options.n_fft // 2 + 1
    if options.triangles == "mel":
        return _mel_triangles(bins, options, sampling_rate)
    with warnings.catch_warnings():  # low bands may be narrower than a bin; EmoNet's are as empty
        warnings.filterwarnings("ignore", message="At least one mel filterbank has all zero values")
        bank: Tensor = melscale_fbanks(bins, options.f_min, options.f_max, options.num_mels, sampling_rate)
    return bank


def _mel_triangles(bins: int, options: FrontEndOptions, sampling_rate: int) -> Tensor:
    """Build triangles with straight sides over mel; frequency 0 belongs to none."""
    hz = torch.linspace(0, sampling_rate / 2, bins, dtype=torch.float64)
    edges = torch.tensor([options.f_min, options.f_max], dtype=torch.float64)
    mel, (low, high) = (torch.log1p(f / 700) for f in (hz, edges))  # in units of 1127: the triangles do not change
    corners = torch.linspace(float(low), float(high), options.num_mels + 2, dtype=torch.float64)
    rising = (mel[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - mel[:, None]) / (corners[2:] - corners[1:-1])
    bank = torch.minimum(rising, falling).clamp_min(0)
    bank[0] = 0
    return bank
