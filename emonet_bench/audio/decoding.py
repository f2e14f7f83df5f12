"""Reading one audio file: decoded, checked, mixed down and resampled."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emonet_bench.errors import AudioError
from emonet_bench.types import Utterance

_UNKNOWN = 0x7FFFF000  # writers to a pipe put a size from here on into the header
_SLACK = 0.05  # seconds by which a table's rounded end may lie past the end of its file


def read(path: Path, sampling_rate: int) -> NDArray[np.float32]:
    """Read a file as (S,) float32 at a sampling rate, channels averaged.

    Raises:
        AudioError: One line that names the file and what is wrong with it.
    """
    try:
        return resampled(*decoded(path, 0.0, None), sampling_rate)
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from error


def seconds(utterance: Utterance) -> float:
    """Tell how long an utterance lasts, from its file's header alone.

    Raises:
        AudioError: One line that names the file.
    """
    try:
        with soundfile.SoundFile(native_name(utterance.file)) as file:
            last: float = file.frames / file.samplerate
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise AudioError(f"{utterance.file}: not audio that libsndfile can read, or damaged") from error
    return min(last, utterance.end or last) - utterance.start


def native_name(path: str | Path) -> str | bytes:
    """Name a file as libsndfile opens it: by its bytes, which need not be UTF-8, except on Windows."""
    return str(path) if os.name == "nt" else os.fsencode(path)


def resampled(source: NDArray[np.float32], rate: int, sampling_rate: int) -> NDArray[np.float32]:
    """Bring samples (S,) from their own rate to a sampling rate.

    Raises:
        AudioError: Nothing is left of them, or they overflow; the message names no file.
    """
    if rate == sampling_rate:
        return source
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


def decoded(path: Path, start: float, end: float | None) -> tuple[NDArray[np.float32], int]:
    """Decode a stretch of a file.

    Args:
        path: The file.
        start: First second.
        end: Last second; None: the end of the file.

    Returns:
        (S,) float32, channels averaged, and the file's own rate.

    Raises:
        AudioError: What is wrong with the file, without its name.
    """
    _check_readable(path)
    try:
        with soundfile.SoundFile(native_name(path)) as file:
            samples, rate = _cut(file, start, end), file.samplerate
    except (TypeError, RuntimeError) as error:  # TypeError: it takes the suffix for headerless audio
        raise AudioError("not audio that libsndfile can read, or damaged") from error
    return finite(samples[:, 0] if samples.shape[1] == 1 else mixed(samples, axis=1)), rate


def digest(samples: NDArray[np.float32], rate: int) -> bytes:
    """Hash decoded audio (S,): the same for the same sound, whatever its lossless format (SHA-256, 32 bytes)."""
    return hashlib.sha256(rate.to_bytes(4, "little") + samples.astype("<f4").tobytes()).digest()


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty, cut = not file.read(1), _is_cut_short(file)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else None
        raise AudioError(f"cannot be read: {(reason or str(error)).lower()}") from error
    if empty:
        raise AudioError("empty: zero bytes")
    if cut:
        raise AudioError("truncated: holds less audio than its header says")


def _is_cut_short(file: BinaryIO) -> bool:
    """Tell whether a WAV or AIFF file ends before its audio does; libsndfile would read what is left without a word."""
    file.seek(0)
    order = {b"RIFF": "<", b"FORM": ">"}.get(file.read(12)[:4])
    while order and len(header := file.read(8)) == 8:  # noqa: PLR2004 - a chunk's name and size
        name, size = struct.unpack(f"{order}4sI", header)
        if name in {b"data", b"SSND"}:
            return size < _UNKNOWN and bool(file.tell() + size > os.fstat(file.fileno()).st_size)
        file.seek(size + size % 2, os.SEEK_CUR)
    return False


def _cut(file: Any, start: float, end: float | None) -> NDArray[np.float32]:
    """Read a stretch of an open file as (S, channels)."""
    first = round(start * file.samplerate)
    last = file.frames if end is None else round(end * file.samplerate)
    if last > file.frames + _SLACK * file.samplerate or first > file.frames:
        raise AudioError(f"too short: lasts {file.frames / file.samplerate:.3f} s, the utterance {start} to {end} s")
    wanted = min(last, file.frames) - first
    if wanted <= 0:
        raise AudioError("zero-length: no samples")
    if first:
        file.seek(first)
    samples: NDArray[np.float32] = file.read(wanted, dtype="float32", always_2d=True)
    if len(samples) < wanted:
        raise AudioError("truncated: holds less audio than its header says")
    return samples
