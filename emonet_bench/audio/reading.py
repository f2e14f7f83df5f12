"""Audio reading: a file at a sampling rate, as a whole or block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from soxr import ResampleStream

from emonet_bench.audio.containers import CUT
from emonet_bench.audio.decoding import (
    averaged,
    check_count,
    check_not_cancelled,
    check_rate,
    check_scale,
    finite,
    frames_of,
    joined,
    peak,
)
from emonet_bench.audio.sound_file import opened
from emonet_bench.errors import AudioError


def read(source: Path | BinaryIO, sampling_rate: int) -> NDArray[np.float32]:
    """Read a file as (S,) float32 at a sampling rate, channels averaged.

    Args:
        source: A path, or a file that is open for reading bytes and can seek.
        sampling_rate: Samples per second.

    Raises:
        AudioError: One line that says what is wrong with the file, with its path where there is one.
    """
    return joined(blocks(source, sampling_rate))


def blocks(
    source: Path | BinaryIO,
    sampling_rate: int,
    rounded: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Read a file as ``read`` does, holding no more of it at once than a block.

    Args:
        source: A path, or a file that is open for reading bytes and can seek.
        sampling_rate: Samples per second.
        rounded: Rounds blocks to 16 bits; a file that gives such samples as it is goes without. None: nothing is
            rounded.

    Yields:
        (S,) float32, one behind the other.

    Raises:
        AudioError: As ``read`` does. What only the whole file tells, such as an end that is missing, is told behind the
            last block.
    """
    try:
        with opened(source) as (file, known):
            check_rate(file.samplerate)
            if known:
                check_count(file.frames, file.samplerate)
            parts = at_rate(mono_blocks(file, known=known), file.samplerate, sampling_rate)
            exact = file.subtype == "PCM_16" and file.channels == 1 and file.samplerate == sampling_rate
            yield from parts if rounded is None or exact else map(rounded, parts)
    except AudioError as error:
        raise AudioError(f"{source}: {error}" if isinstance(source, Path) else str(error)) from error


def mono_blocks(file: Any, *, known: bool) -> Iterator[NDArray[np.float32]]:
    """Yield what an open sound file holds as blocks (S,), each held to its scale, and at the end all of them.

    Args:
        file: As ``opened`` gives it.
        known: Whether it knows its number of frames, which is then what must be there.

    Raises:
        AudioError: What is wrong with it, without its name.
    """
    wanted = file.frames if known else None
    sound = file.subtype == "PCM_16" and file.channels == 1  # such samples keep to the scale, and cancel nothing
    count, loudest, mean = 0, 0.0, 0.0
    for block in frames_of(file, wanted):
        samples = averaged(block)
        if not sound:
            loudest = max(loudest, _checked_peak(block))
            mean = max(mean, loudest if block.shape[1] == 1 else peak(samples))
        count += len(samples)
        yield samples
    if not count:
        raise AudioError("zero-length: no samples")
    if wanted is not None and count < wanted:
        raise AudioError(CUT)
    check_not_cancelled(mean, loudest)


def _checked_peak(block: NDArray[np.float32]) -> float:
    found = peak(block)
    if not math.isfinite(found):
        finite(block)
    check_scale(found)
    return found


def at_rate(parts: Iterable[NDArray[np.float32]], rate: int, sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    """Resample blocks (S,): to the bit what ``resampled`` makes of the whole.

    Raises:
        AudioError: Nothing is left of them, they become too many, or they overflow.
    """
    if rate == sampling_rate:
        yield from parts
        return
    resampler, taken, made = ResampleStream(rate, sampling_rate, 1, dtype="float32", quality="HQ"), 0, 0
    for part, last in chain(((part, False) for part in parts), [(np.zeros(0, np.float32), True)]):
        taken += len(part)
        check_count(taken * sampling_rate / rate, sampling_rate)
        samples = resampler.resample_chunk(part, last=last)
        made += len(samples)
        if len(samples):
            yield finite(samples)
    if not made:
        raise AudioError(f"too short: {taken} samples at {rate} Hz")
