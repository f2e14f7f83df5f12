"""Clips as a model hears them: mono, at its rate, rounded to 16 bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from emonet_bench.audio.decoding import check_not_cancelled, check_scale, finite, mixed, peak
from emonet_bench.errors import AudioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCALE = np.float32(32768)
_WIDEST = 4  # bytes of an integer; 64 bits are Python's integers, of any scale
_AXES = 2  # of an array with several channels

Level = Callable[["NDArray[np.float32]", int], float]
"""Measures samples (S,) at some rate: how loud they are, or how much of them is speech."""


def mono(array: NDArray[Any], channels: int | None = None, *, partial: bool = False) -> NDArray[np.float32]:
    """Bring an array to finite float32 (S,), channels averaged; signed integers count over their whole range.

    Args:
        array: (S,), or two axes of which one holds the channels. Floats in [-1, 1], or integers of 8, 16 or 32 bits.
        channels: Which axis holds the channels, 0 or 1; None: 0, and more channels than samples are refused.
        partial: Whether it is a piece of something longer, in which channels may cancel for a moment.

    Raises:
        AudioError: It is not audio; the message names no file.
    """
    try:
        array = np.asarray(array)
    except ValueError as error:  # of lists
        raise AudioError("is a list of lists of several lengths; give (channels, samples)") from error
    _check_shape(array, channels)
    if array.dtype.kind == "i" and array.dtype.itemsize <= _WIDEST:
        array = array / -float(np.iinfo(array.dtype).min)
    elif array.dtype.kind != "f":
        raise AudioError(f"has the type {array.dtype}; give floats in [-1, 1], or integers of 8, 16 or 32 bits")
    samples = finite(mixed(array[None], axis=0) if array.ndim == 1 else mixed(array, axis=channels or 0))
    loudest = peak(array)
    check_scale(loudest)
    if not partial:
        check_not_cancelled(peak(samples), loudest)
    return samples


def _check_shape(array: NDArray[Any], channels: int | None) -> None:
    if not array.ndim:
        raise AudioError("is a single number; give (samples,) or (channels, samples), to predict_arrays a list of them")
    if array.ndim > _AXES:
        raise AudioError(f"has the shape {array.shape}; give (samples,) or (channels, samples)")
    if not array.size:
        raise AudioError("zero-length: no samples")
    if channels is None and array.ndim == _AXES and array.shape[0] > array.shape[1]:
        raise AudioError(
            f"has the shape {array.shape}; give (channels, samples), or say channels=1 for (samples, channels)"
        )


def level_of(samples: NDArray[np.float32], _: int) -> float:
    """Return the root mean square of samples (S,) in dB, that of the constant 1 being 0, at any rate.

    >>> level_of(np.full(10, 0.1, np.float32), 16_000), level_of(np.zeros(10, np.float32), 16_000)
    (-20.0, -inf)
    """
    power = float(np.einsum("s,s", samples, samples)) / len(samples)  # np.dot would start threads beside ours
    return round(10 * math.log10(power), 2) if power else -math.inf


def sixteen_bits(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round to 16 bits: a corpus is kept so, and a clip is to get exactly the score that it got in its run."""
    rounded: NDArray[np.float32] = np.clip(samples, -1, 1 - 1 / _SCALE)
    rounded *= _SCALE
    np.rint(rounded, out=rounded)
    rounded *= 1 / _SCALE  # exact: a power of two
    return rounded
