"""Excerpts: the stretch of a source that an utterance is, decoded, timed and hashed, for corpora."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

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
from emonet_bench.audio.sources import Samples, provided
from emonet_bench.errors import AudioError
from emonet_bench.types import AudioSource, Utterance

_SLACK = 0.05  # seconds by which a table's rounded end may lie past the end of its file


def seconds(utterance: Utterance) -> float:
    """Tell how long an utterance lasts, from its file's header where that can be trusted.

    Raises:
        AudioError: One line that names the file.
    """
    try:
        with provided(utterance.file) as given:
            whole = _whole_seconds(given)
    except AudioError as error:
        raise AudioError(f"{utterance.file}: {error}") from error
    return min(whole, utterance.end or whole) - utterance.start


def decoded(source: AudioSource | BinaryIO, start: float, end: float | None) -> tuple[NDArray[np.float32], int]:
    """Decode a stretch of a file.

    Args:
        source: Where it lies, or a file that is open for reading bytes and can seek.
        start: First second.
        end: Last second; None: the end of the file.

    Returns:
        (S,) float32, channels averaged, and the file's own rate.

    Raises:
        AudioError: What is wrong with the file, without its name.
    """
    with provided(source) as given:
        if isinstance(given, Samples):
            check_rate(given.rate)
            (samples, loudest), rate = _cut_samples(given, start, end), given.rate
        else:
            with opened(given) as (file, known):
                check_rate(file.samplerate)
                samples, loudest = _cut(file, start, end) if known else _counted(file, start, end)
                rate = file.samplerate
    finite(samples)
    check_scale(loudest)
    check_not_cancelled(peak(samples), loudest)
    return samples, rate


def digest(samples: NDArray[np.float32], rate: int) -> bytes:
    """Hash decoded audio (S,): the same for the same sound, whatever its lossless format (SHA-256, 32 bytes)."""
    return hashlib.sha256(rate.to_bytes(4, "little") + samples.astype("<f4").tobytes()).digest()


def _whole_seconds(given: Path | BinaryIO | Samples) -> float:
    if isinstance(given, Samples):
        check_rate(given.rate)
        return len(given.values) / given.rate
    with opened(given) as (file, known):
        last = file.frames if known else sum(len(block) for block in frames_of(file))
        return float(last / file.samplerate)


def _cut(file: Any, start: float, end: float | None) -> tuple[NDArray[np.float32], float]:
    """Read a stretch of a file that knows its length as mono (S,), with the largest value of any channel."""
    first, wanted = _stretch(file.frames, file.samplerate, start, end)
    check_count(wanted, file.samplerate)
    if first:
        file.seek(first)
    samples, loudest = _mono(file, wanted)
    if len(samples) < wanted:
        raise AudioError(CUT)
    return samples, loudest


def _counted(file: Any, start: float, end: float | None) -> tuple[NDArray[np.float32], float]:
    """Read all of a file that does not know its length, and cut the stretch out of it."""
    samples, loudest = _mono(file, None)
    first, wanted = _stretch(len(samples), file.samplerate, start, end)
    return samples[first : first + wanted], loudest


def _cut_samples(given: Samples, start: float, end: float | None) -> tuple[NDArray[np.float32], float]:
    """Cut a stretch out of samples that are decoded, as mono (S,), with the largest value of any channel."""
    first, wanted = _stretch(len(given.values), given.rate, start, end)
    check_count(wanted, given.rate)
    part = given.values[first : first + wanted]
    return averaged(part), peak(part)


def _stretch(frames: int, rate: int, start: float, end: float | None) -> tuple[int, int]:
    """Return the first sample of a stretch, and how many it has."""
    first = round(start * rate)
    last = frames if end is None else round(end * rate)
    if last > frames + _SLACK * rate or first > frames:
        raise AudioError(f"too short: lasts {frames / rate:.3f} s, the utterance {start} to {end} s")
    wanted = min(last, frames) - first
    if wanted <= 0:
        raise AudioError("zero-length: no samples")
    return first, wanted


def _mono(file: Any, wanted: int | None) -> tuple[NDArray[np.float32], float]:
    """Read so many frames, or all, as mono (S,), with the largest absolute value of any channel."""
    parts, loudest = [], 0.0
    for block in frames_of(file, wanted):
        loudest = max(loudest, peak(block))
        parts.append(averaged(block))
    if not parts:
        raise AudioError("zero-length: no samples")
    return joined(parts), loudest
