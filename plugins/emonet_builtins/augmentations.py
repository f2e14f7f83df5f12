"""Gain, noise, speed, silence, narrow bands, masks and noise of the spectrogram, and mixup."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from emonet_bench.config import Options, option
from emonet_bench.types import Augmentation

if TYPE_CHECKING:
    from emonet_bench.data.dataset import Batch

SPECAUGMENT = r"""@inproceedings{park2019specaugment,
  title = {{SpecAugment}: A Simple Data Augmentation Method for Automatic Speech Recognition},
  author = {Park, Daniel S. and Chan, William and Zhang, Yu and Chiu, Chung-Cheng and Zoph, Barret and Cubuk, Ekin D.
    and Le, Quoc V.},
  booktitle = {Proc. Interspeech},
  year = {2019}
}"""
MIXUP = r"""@inproceedings{zhang2018mixup,
  title = {mixup: Beyond Empirical Risk Minimization},
  author = {Zhang, Hongyi and Cisse, Moustapha and Dauphin, Yann N. and Lopez-Paz, David},
  booktitle = {Proc. ICLR},
  year = {2018}
}"""


class GainOptions(Options):
    """Options of ``gain``."""

    decibels: float = option(6.0, "Clips are made louder or softer by up to this many decibels.", gt=0)


class NoiseOptions(Options):
    """Options of ``noise``."""

    later = ("share",)

    snr: float = option(10.0, "Lowest signal-to-noise ratio of white noise in dB; the highest is 20 dB above.")
    share: float = option(1.0, "Share of clips that get noise; the others stay as they are.", gt=0, le=1)


class SpeedOptions(Options):
    """Options of ``speed``."""

    share: float = option(0.1, "Batches are played faster or slower by up to this share.", gt=0, le=0.5)


class SilenceOptions(Options):
    """Options of ``silence``."""

    seconds: float = option(1.0, "Longest silence at one end of a clip, and never more than a quarter of it.", gt=0)


class LowPassOptions(Options):
    """Options of ``low-pass``."""

    lowest: float = option(2000.0, "Lowest cutoff in Hz; the highest is half of the sampling rate.", gt=0)


class TimeMaskOptions(Options):
    """Options of ``time-masks``."""

    count: int = option(2, "Stretches of time hidden in each clip.", ge=1)
    width: int = option(20, "Widest of them in frames, never more than half of the clip.", ge=1)


class FrequencyMaskOptions(Options):
    """Options of ``freq-masks``."""

    count: int = option(2, "Stretches of frequency hidden in each clip.", ge=1)
    width: int = option(16, "Widest of them in mel bands, never more than half of them.", ge=1)


class SpectrogramNoiseOptions(Options):
    """Options of ``spectrogram-noise``."""

    deviation: float = option(0.1, "Standard deviation of the Gaussian noise.", gt=0)


class MixupOptions(Options):
    """Options of ``mixup``."""

    alpha: float = option(0.2, "Of the Beta distribution that shares are drawn from; 1: all are as likely.", gt=0)


def build_gain(options: GainOptions, _: int) -> Any:
    """Build a gain, one draw for each clip."""
    from emonet_bench.frontend.augmentation import change_gain  # noqa: PLC0415 - torch

    return lambda waveform, lengths: (change_gain(waveform, options.decibels), lengths)


def build_noise(options: NoiseOptions, _: int) -> Any:
    """Build white noise, one draw of its level for each clip, or for some of them."""
    from emonet_bench.frontend.augmentation import add_noise  # noqa: PLC0415 - torch

    return lambda waveform, lengths: (add_noise(waveform, lengths, options.snr, options.share), lengths)


def build_speed(options: SpeedOptions, _: int) -> Any:
    """Build a change of speed, one draw for the batch."""
    from emonet_bench.frontend.augmentation import change_speed  # noqa: PLC0415 - torch

    return partial(change_speed, share=options.share)


def build_silence(options: SilenceOptions, sampling_rate: int) -> Any:
    """Build silence before and after clips, one draw for each end."""
    from emonet_bench.frontend.recording import add_silence  # noqa: PLC0415 - torch

    return partial(add_silence, longest=max(1, round(options.seconds * sampling_rate)))


def build_low_pass(options: LowPassOptions, sampling_rate: int) -> Any:
    """Build a low-pass filter, one draw of its cutoff for each clip."""
    from emonet_bench.frontend.recording import low_pass  # noqa: PLC0415 - torch

    return lambda waveform, lengths: (low_pass(waveform, sampling_rate, options.lowest), lengths)


def build_masks(options: TimeMaskOptions | FrequencyMaskOptions, _: int) -> Any:
    """Build masks of stretches of time or frequency."""
    from emonet_bench.frontend.augmentation import hide_stretches  # noqa: PLC0415 - torch

    axis: Literal["time", "frequency"] = "time" if isinstance(options, TimeMaskOptions) else "frequency"
    return partial(hide_stretches, stretches=((axis, options.count, options.width),))


def build_spectrogram_noise(options: SpectrogramNoiseOptions, _: int) -> Any:
    """Build Gaussian noise of the spectrogram."""
    import torch  # noqa: PLC0415 - slow

    return lambda features, _: features + options.deviation * torch.randn_like(features)


def build_mixup(options: MixupOptions, _: int) -> Any:
    """Build mixup: each clip and its targets with those of another clip of the batch, in one share for the batch.

    Votes, label sets and values are mixed themselves; of labels each clip has the losses of both, by their shares.
    """
    import torch  # noqa: PLC0415 - slow

    from emonet_bench.data.dataset import Mixed  # noqa: PLC0415 - torch

    shares = torch.distributions.Beta(options.alpha, options.alpha)

    def mix(batch: Batch) -> Batch:
        share = float(shares.sample())
        partner = torch.randperm(len(batch.targets)).to(batch.targets.device, non_blocking=True)
        waveform = share * batch.waveform + (1 - share) * batch.waveform[partner]
        lengths = None if batch.lengths is None else torch.maximum(batch.lengths, batch.lengths[partner])
        if batch.targets.is_floating_point():
            targets = share * batch.targets + (1 - share) * batch.targets[partner]
            return replace(batch, waveform=waveform, lengths=lengths, targets=targets)
        mixed = Mixed(batch.targets[partner], share)
        return replace(batch, waveform=waveform, lengths=lengths, mixed=mixed)

    return mix


AUGMENTATIONS = (
    Augmentation("gain", GainOptions, build_gain),
    Augmentation("noise", NoiseOptions, build_noise),
    Augmentation("speed", SpeedOptions, build_speed),
    Augmentation("silence", SilenceOptions, build_silence),
    Augmentation("low-pass", LowPassOptions, build_low_pass),
    Augmentation("time-masks", TimeMaskOptions, build_masks, "features", SPECAUGMENT),
    Augmentation("freq-masks", FrequencyMaskOptions, build_masks, "features", SPECAUGMENT),
    Augmentation("spectrogram-noise", SpectrogramNoiseOptions, build_spectrogram_noise, "features"),
    Augmentation("mixup", MixupOptions, build_mixup, "batch", MIXUP),
)
