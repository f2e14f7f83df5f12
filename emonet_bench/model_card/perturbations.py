"""Perturbations: noise, gain, codecs, reverberation and others, by which a clip is changed without its emotion.

What exceeds the full scale is clipped when a clip is rounded to 16 bits, as a sound card would. A signal-to-noise ratio
counts the whole clip, pauses included. All that is random follows from the condition and the clip's name.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emonet_bench.audio.reading import read

Floats = NDArray[np.float32]
Effect = Callable[[Floats, int, np.random.Generator], Floats]
"""Maps a clip (S,) at a sampling rate to (S',) or (channels, S'); its randomness comes from the generator."""

Noise = Callable[[int, np.random.Generator], Floats]
"""Draws so many samples of noise."""

_TALKERS = 8
_TAIL = 3 * math.log(10)  # an amplitude of e^-6.9 is 60 dB lower
_N_FFT, _HOP = 512, 128  # of the phase vocoder
_RATES = {"MP3": (8_000, 16_000, 22_050, 24_000, 44_100, 48_000), "OGG": (8_000, 16_000, 24_000, 48_000)}
_TELEPHONE = 8_000
_WIDEST = 0.45  # of the sampling rate: a cutoff above leaves everything as it is


@dataclass(frozen=True)
class Condition:
    """One way to change clips.

    Attributes:
        family: What is done; conditions of one family make a curve.
        value: How much of it; None where there is nothing to vary.
        unit: Of the value.
        effect: Does it.
        everyday: Whether it happens wherever a microphone is used: the grade rests on these.
    """

    family: str
    value: float | None
    unit: str
    effect: Effect
    everyday: bool = False

    @property
    def name(self) -> str:
        """The condition in words.

        >>> Condition("white noise", 20, "dB SNR", lambda clip, *_: clip).name
        'white noise, 20 dB SNR'
        """
        return self.family if self.value is None else f"{self.family}, {self.value:g} {self.unit}"

    def apply(self, clip: Floats, sampling_rate: int, name: str) -> Floats:
        """Change a clip (S,) of that name."""
        seed = [zlib.crc32(self.name.encode()), zlib.crc32(name.encode(errors="surrogateescape"))]
        return self.effect(clip, sampling_rate, np.random.default_rng(seed))


def conditions(sampling_rate: int, talkers: Sequence[Floats] = ()) -> tuple[Condition, ...]:
    """List the conditions of a card.

    Args:
        sampling_rate: The clips'; conditions that need a wider band are left out.
        talkers: Clips of speech for babble, none of them the test speakers'; none: there is no babble.
    """
    noises: dict[str, Noise] = {"white noise": white_noise, "pink noise": pink_noise}
    if talkers:
        noises["babble"] = partial(babble, talkers)
    added = [
        _curve(name, "dB SNR", partial(add_noise, noise), (30.0, 20.0), (10.0, 0.0)) for name, noise in noises.items()
    ]
    return tuple(chain(*added, _levels(), _bands(sampling_rate), _times()))


def _levels() -> list[Condition]:
    return [
        *_curve("gain", "dB", gain, (-10.0, 10.0), (-30.0, -20.0, 20.0)),
        *_curve("gain with clipping", "dB", overdrive, (), (10.0, 20.0)),
        *_curve("DC offset", "of full scale", offset, (0.01,), (0.1,)),
        Condition("one of two channels dead", None, "", dead_channel, everyday=True),
    ]


def _bands(sampling_rate: int) -> list[Condition]:
    filters = _curve("low-pass", "Hz", low_pass, (4_000.0,), (2_000.0, 1_000.0))
    found = [one for one in filters if (one.value or 0) < _WIDEST * sampling_rate]
    if sampling_rate < _TELEPHONE:
        return found
    return [
        *found,
        Condition("telephone (8 kHz, A-law)", None, "", telephone, everyday=True),
        Condition("MP3 round trip", None, "", partial(codec, "MP3", None), everyday=True),
        Condition("Opus round trip", None, "", partial(codec, "OGG", "OPUS"), everyday=True),
    ]


def _times() -> list[Condition]:
    return [
        *_curve("reverberation", "s RT60", reverberation, (0.3,), (0.6, 1.0)),
        *_curve("speed", "times", speed, (0.95, 1.05), ()),
        *_curve("pitch", "times", pitch, (0.95, 1.05), ()),
        Condition("leading silence", 1.0, "s", partial(silence, 1.0, 0.0), everyday=True),
        Condition("trailing silence", 1.0, "s", partial(silence, 0.0, 1.0), everyday=True),
        *_curve("cut", "s", cut, (), (1.0, 2.0, 3.0)),
    ]


def _curve(
    family: str, unit: str, effect: Callable[..., Floats], everyday: Sequence[float], hard: Sequence[float]
) -> list[Condition]:
    """Vary one effect, whose first argument is how much of it."""
    return [
        Condition(family, value, unit, partial(effect, value), everyday=value in everyday)
        for value in sorted([*everyday, *hard])
    ]


def white_noise(count: int, generator: np.random.Generator) -> Floats:
    """Draw white noise (count,)."""
    return generator.standard_normal(count, np.float32)


def pink_noise(count: int, generator: np.random.Generator) -> Floats:
    """Draw noise (count,) whose power falls by 3 dB per octave."""
    spectrum = np.fft.rfft(generator.standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, count).astype(np.float32)


def babble(talkers: Sequence[Floats], count: int, generator: np.random.Generator) -> Floats:
    """Mix (count,) of eight clips that are equally loud, each from a place of its own on, and repeated."""
    mixed = np.zeros(count, np.float32)
    for place in generator.choice(len(talkers), min(_TALKERS, len(talkers)), replace=False):
        clip = talkers[place]
        mixed += np.resize(np.roll(clip, int(generator.integers(len(clip)))), count) / max(_rms(clip), 1e-6)
    return mixed


def add_noise(noise: Noise, snr: float, clip: Floats, _: int, generator: np.random.Generator) -> Floats:
    """Add noise at a signal-to-noise ratio in dB."""
    drawn = noise(len(clip), generator)
    return clip + drawn * np.float32(_rms(clip) / max(_rms(drawn), 1e-9) * 10 ** (-snr / 20))


def gain(db: float, clip: Floats, *_: object) -> Floats:
    """Change the level, upwards at most to the full scale."""
    room = 1 / max(float(np.abs(clip).max()), 1e-9)
    return clip * np.float32(min(10 ** (db / 20), max(room, 1.0)))


def overdrive(db: float, clip: Floats, *_: object) -> Floats:
    """Raise the level and clip what exceeds the full scale."""
    loud: Floats = np.clip(clip * np.float32(10 ** (db / 20)), -1, 1)
    return loud


def offset(part: float, clip: Floats, *_: object) -> Floats:
    """Add a constant."""
    return clip + np.float32(part)


def dead_channel(clip: Floats, *_: object) -> Floats:
    """Make a stereo recording (2, S) whose second channel is silent."""
    return np.stack([clip, np.zeros_like(clip)])


def low_pass(cutoff: float, clip: Floats, sampling_rate: int, *_: object) -> Floats:
    """Remove what lies above a frequency: a Butterworth filter of order 8."""
    from scipy import signal  # noqa: PLC0415 - slow

    sections = signal.butter(8, cutoff, fs=sampling_rate, output="sos")
    filtered: Floats = signal.sosfilt(sections, clip).astype(np.float32)
    return filtered


def telephone(clip: Floats, sampling_rate: int, *_: object) -> Floats:
    """Send a clip through 8 kHz and A-law, and back."""
    narrow = _resampled(clip, sampling_rate, _TELEPHONE)
    return _round_trip(narrow, _TELEPHONE, "WAV", "ALAW", sampling_rate)


def codec(container: str, coding: str | None, clip: Floats, sampling_rate: int, *_: object) -> Floats:
    """Encode and decode a clip, with libsndfile's default settings."""
    rates = _RATES[container]
    rate = sampling_rate if sampling_rate in rates else next((r for r in rates if r >= sampling_rate), rates[-1])
    return _round_trip(_resampled(clip, sampling_rate, rate), rate, container, coding, sampling_rate)


def _round_trip(clip: Floats, rate: int, container: str, coding: str | None, sampling_rate: int) -> Floats:
    with io.BytesIO() as file:
        soundfile.write(file, clip, rate, format=container, subtype=coding)
        file.seek(0)
        return read(file, sampling_rate)


def reverberation(rt60: float, clip: Floats, sampling_rate: int, generator: np.random.Generator) -> Floats:
    """Convolve with a synthetic impulse response: a direct path, and as much energy in noise that decays by 60 dB."""
    from scipy import signal  # noqa: PLC0415 - slow

    times = np.arange(1, round(rt60 * sampling_rate)) / sampling_rate
    tail = generator.standard_normal(len(times)) * np.exp(-_TAIL * times / rt60)
    response = np.concatenate([[1.0], tail / np.sqrt(np.square(tail).sum())])
    wet = signal.fftconvolve(clip, response)[: len(clip)]
    level: Floats = (wet * (_rms(clip) / max(_rms(wet), 1e-9))).astype(np.float32)
    return level


def speed(factor: float, clip: Floats, sampling_rate: int, *_: object) -> Floats:
    """Play a clip faster, and so higher."""
    return _resampled(clip, sampling_rate * factor, sampling_rate)


def pitch(factor: float, clip: Floats, sampling_rate: int, *_: object) -> Floats:
    """Raise the pitch of a clip that lasts as long as before: a phase vocoder, then a faster play."""
    import torch  # noqa: PLC0415 - slow
    from torchaudio import functional  # noqa: PLC0415

    window = torch.hann_window(_N_FFT)
    spectrum = torch.stft(
        torch.from_numpy(clip), _N_FFT, _HOP, window=window, pad_mode="constant", return_complex=True
    )  # (F, T)
    advance = torch.linspace(0, math.pi * _HOP, _N_FFT // 2 + 1)[:, None]
    longer = functional.phase_vocoder(spectrum, 1 / factor, advance)
    stretched = torch.istft(longer, _N_FFT, _HOP, window=window, length=round(len(clip) * factor))
    return speed(factor, stretched.numpy(), sampling_rate)


def silence(before: float, after: float, clip: Floats, sampling_rate: int, *_: object) -> Floats:
    """Add seconds of silence."""
    return np.pad(clip, (round(before * sampling_rate), round(after * sampling_rate)))


def cut(seconds: float, clip: Floats, sampling_rate: int, *_: object) -> Floats:
    """Keep the middle of a clip that is longer."""
    kept = min(len(clip), round(seconds * sampling_rate))
    first = (len(clip) - kept) // 2
    return clip[first : first + kept]


def _resampled(clip: Floats, rate: float, wanted: float) -> Floats:
    """Resample a clip; of the shortest a sample is left."""
    samples: Floats = soxr.resample(clip, rate, wanted)
    return samples if len(samples) else clip[:1]


def _rms(clip: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(clip, dtype=np.float64))))
