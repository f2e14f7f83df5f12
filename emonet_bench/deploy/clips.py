"""Audio as a model hears it: mono, at its rate, cut into stretches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from emonet_bench.audio.decoding import finite, mixed, native_name
from emonet_bench.errors import AudioError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_CHANNELS = 256  # an array with more is surely (samples, channels)
_SCALE = np.float32(32768)

Cut = tuple[int, int]
"""Samples of a stretch, and from the start of one to the start of the next."""


def cut_of(window: float | None, hop: float | None, sampling_rate: int) -> Cut | None:
    """Turn seconds into samples; None: audio is not cut.

    Raises:
        ConfigError: They make no sense.

    >>> cut_of(1.5, None, 16_000)
    (24000, 24000)
    """
    if window is None:
        if hop is not None:
            raise ConfigError("hop: needs a window, too")
        return None
    both = (window, window if hop is None else hop)
    if not all(math.isfinite(seconds * sampling_rate) and round(seconds * sampling_rate) >= 1 for seconds in both):
        raise ConfigError(
            f"window and hop: must last a sample at least, and not for ever; are {both[0]} s and {both[1]} s"
        )
    size, step = (round(seconds * sampling_rate) for seconds in both)
    return size, step


def segments(samples: NDArray[np.float32], cut: Cut | None) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Cut (S,) into stretches, each with its first sample; only the last may be shorter, and nothing is left over.

    >>> [(start, piece.tolist()) for start, piece in segments(np.arange(5), (3, 2))]
    [(0, [0, 1, 2]), (2, [2, 3, 4])]
    """
    window, hop = cut or (len(samples), len(samples))
    for start in range(0, max(1, len(samples) - max(0, window - hop)), hop):
        yield start, samples[start : start + window]


def mono(array: NDArray[Any]) -> NDArray[np.float32]:
    """Bring (S,) or (channels, S) to finite float32 (S,); signed integers count over their whole range.

    Raises:
        AudioError: It is not audio; the message names no file.
    """
    array = np.asarray(array)
    if not array.ndim:
        raise AudioError("is a single number; give (samples,) or (channels, samples), to predict_arrays a list of them")
    if array.ndim > 2 or (array.ndim == 2 and len(array) > _CHANNELS):  # noqa: PLR2004
        raise AudioError(f"has the shape {array.shape}; give (samples,) or (channels, samples)")
    if not array.size:
        raise AudioError("zero-length: no samples")
    if array.dtype.kind == "i":
        array = array / -float(np.iinfo(array.dtype).min)
    elif array.dtype.kind != "f":
        raise AudioError(f"has the type {array.dtype}; give floats in [-1, 1] or signed integers")
    return finite(mixed(array.reshape(-1, array.shape[-1]), axis=0))


def sixteen_bits(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to 16 bits: a corpus is kept so, and a clip is to get exactly the score that it got in its run."""
    rounded: NDArray[np.float32] = np.clip(samples, -1, 1 - 1 / _SCALE)
    rounded *= _SCALE
    np.rint(rounded, out=rounded)
    rounded *= 1 / _SCALE  # exact: a power of two
    return rounded


def duration(file: str | Path) -> float:
    """Return a file's seconds from its header; 0 where that cannot be read: reading it will tell."""
    try:
        return float(soundfile.info(native_name(file)).duration)
    except (soundfile.SoundFileError, TypeError):
        return 0.0
