"""Audio decoding: one file opened, decoded to its end, counted, bounded, mixed down and resampled.

This is the one boundary through which audio comes in, for corpora and predictions alike.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emonet_bench.audio.sound_file import native_name
from emonet_bench.errors import AudioError

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""Samples per second that audio can have."""

MOST_SAMPLES = 2**29
"""Samples of a clip: 9 hours at 16 kHz, 2 GiB as float32."""

LOUDEST = 4.0
"""Floats lie in [-1, 1]; decoders and resamplers exceed that a little, numbers beyond this are of another scale."""

_BLOCK = 2**20  # numbers decoded at once
_CANCELLED = 2.0**-16, 2.0**-10  # a mean that 16 bits round to zero, or that is 60 dB below its channels


def joined(parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Put blocks together as (S,)."""
    first, *others = parts
    return np.concatenate([first, *others]) if others else first


def duration(path: Path) -> float:
    """Return about how many seconds a file lasts, by its header; 0 where that cannot be read: reading it will tell."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return 0.0
        return float(soundfile.info(native_name(path)).duration)
    except (OSError, ValueError, TypeError, soundfile.SoundFileError):
        return 0.0


def resampled(source: NDArray[np.float32], rate: int, sampling_rate: int) -> NDArray[np.float32]:
    """Bring samples (S,) from their own rate to a sampling rate.

    Raises:
        AudioError: Nothing is left of them, they become too many, they overflow, or the rate is none that audio has;
            the message names no file.
    """
    check_rate(rate)
    if rate == sampling_rate:
        return source
    check_count(len(source) * sampling_rate / rate, sampling_rate)
    samples: NDArray[np.float32] = soxr.resample(source, rate, sampling_rate, quality="HQ")
    if not len(samples):
        raise AudioError(f"too short: {len(source)} samples at {rate} Hz")
    return finite(samples)


def mixed(channels: NDArray[Any], axis: int) -> NDArray[np.float32]:
    """Average channels as float32; sums that overflow are infinite."""
    with np.errstate(over="ignore", invalid="ignore"):  # invalid: infinities of both signs
        mean: NDArray[np.float32] = channels.mean(axis=axis, dtype=np.float32)
    return mean


def finite(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return samples of any shape as they are.

    Raises:
        AudioError: Not all are finite; the message names no file.
    """
    if not np.isfinite(samples).all():
        raise AudioError("holds NaN or infinite samples, or some that are far too large")
    return samples


def check_rate(rate: int) -> None:
    """Hold a rate to what audio has.

    Raises:
        AudioError: It is another one; the message names no file.
    """
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise AudioError(f"has {rate} samples per second; audio has {LOWEST_RATE} to {HIGHEST_RATE}")


def check_scale(loudest: float) -> None:
    """Hold floating-point samples to their scale by the largest absolute value among them.

    Raises:
        AudioError: They lie far outside of [-1, 1]; the message names no file.
    """
    if loudest > LOUDEST:
        raise AudioError(
            f"its floats reach {loudest:.6g}, but must lie in [-1, 1]; "
            "divide them by the full scale (32768 for 16 bits)"
        )


def check_not_cancelled(mean: float, loudest: float) -> None:
    """Hold the mean of channels to the channels, by the largest absolute value of each.

    Raises:
        AudioError: Nothing is left of it, for the channels are in antiphase; the message names no file.
    """
    rounding, share = _CANCELLED
    if loudest > rounding and mean <= max(rounding, share * loudest):
        raise AudioError("its channels cancel each other: their mean is silence; give one of them")


def check_count(samples: float, rate: int) -> None:
    """Hold a number of samples at some rate to the longest clip.

    Raises:
        AudioError: There are more; the message names no file.
    """
    if samples > MOST_SAMPLES:
        raise AudioError(f"too long: more than {MOST_SAMPLES / rate / 3600:.1f} hours at {rate} Hz; cut it into parts")


def peak(samples: NDArray[Any]) -> float:
    """Return the largest absolute value of samples of any shape; NaN where they hold some.

    >>> peak(np.array([0.1, -0.5])), peak(np.zeros(0))
    (0.5, 0.0)
    """
    return float(max(samples.max(), -samples.min())) if samples.size else 0.0


def averaged(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average the channels of a block (S, channels): (S,)."""
    return block[:, 0] if block.shape[1] == 1 else mixed(block, axis=1)


def frames_of(file: Any, wanted: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Yield what a file holds, or the first frames of it, as blocks (S, channels)."""
    size, done, read = max(1, _BLOCK // file.channels), 0, _reader(file)
    while wanted is None or done < wanted:
        block = read(size if wanted is None else min(size, wanted - done))
        if not len(block):
            return
        done += len(block)
        check_count(done, file.samplerate)
        yield block


def _reader(file: Any) -> Callable[[int], NDArray[np.float32]]:
    """Return what reads a number of frames (S, channels); 16 bits are scaled here, faster than by libsndfile."""
    if file.subtype != "PCM_16":
        return partial(file.read, dtype="float32", always_2d=True)
    scale = np.float32(2.0**-15)  # exact: a power of two
    return lambda count: np.multiply(file.read(count, dtype="int16", always_2d=True), scale, dtype=np.float32)
