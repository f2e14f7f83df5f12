"""Decoding uploads: bytes in memory to samples at a model's rate, block by block and within limits."""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
import soxr

from emonet_bench.audio.decoding import finite, mixed
from emonet_bench.deploy.clips import sixteen_bits
from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RATES = (1_000, 768_000)
"""Lowest and highest sampling rate of audio that is taken, in Hz."""

CHANNELS = 64
"""Most channels."""

_BLOCK = 2**18  # samples of all channels that are decoded at a time
_UNKNOWN = 0x7FFFF000  # writers to a pipe put a size from here on into the header


def decode(data: bytes, sampling_rate: int, most_seconds: float) -> NDArray[np.float32]:
    """Decode a file that lies in memory, as ``Predictor`` reads one from the disk.

    However much audio a few bytes stand for, no more than a block of it is held at its own rate.

    Args:
        data: Content of an audio file, in any format that libsndfile reads.
        sampling_rate: The model's.
        most_seconds: Longest audio that is taken.

    Returns:
        (S,) float32 at ``sampling_rate``, channels averaged, rounded to 16 bits.

    Raises:
        AudioError: It is no audio, or damaged.
        RequestError: It is too long.
    """
    if not data:
        raise AudioError("empty: zero bytes")
    if _is_cut_short(data):
        raise AudioError("truncated: holds less audio than its header says")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            check_format(file.samplerate, file.channels)
            if file.frames > most_seconds * file.samplerate:
                raise too_long(most_seconds)
            samples = _resampled(file, sampling_rate)
    except (TypeError, RuntimeError) as error:  # soundfile's
        raise AudioError("not audio that libsndfile can read, or damaged") from error
    if not len(samples):
        raise AudioError("zero-length: no samples")
    return sixteen_bits(samples)


def check_format(rate: int, channels: int) -> None:
    """Hold a sampling rate and a number of channels to what is taken.

    Raises:
        AudioError: One is out of bounds.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"its rate is {rate} Hz; give {RATES[0]} to {RATES[1]} Hz")
    if not 1 <= channels <= CHANNELS:
        raise AudioError(f"has {channels} channels; give 1 to {CHANNELS}")


def too_long(most_seconds: float) -> RequestError:
    """Say that audio is longer than the server takes."""
    return RequestError(413, f"audio: lasts more than {most_seconds:g} s; send it in parts, or as a stream")


def _resampled(file: Any, sampling_rate: int) -> NDArray[np.float32]:
    """Read an open file as (S,) at a sampling rate; the same samples as of the whole, resampled at once."""
    same = file.samplerate == sampling_rate
    resampler = None if same else soxr.ResampleStream(file.samplerate, sampling_rate, 1, dtype="float32", quality="HQ")
    parts, frames = [], 0
    for block in _blocks(file):
        frames += len(block)
        parts.append(block if resampler is None else resampler.resample_chunk(block))
    if frames < file.frames:
        raise AudioError("truncated: holds less audio than its header says")
    if resampler is not None:
        parts.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return finite(np.concatenate(parts)) if parts else np.zeros(0, np.float32)


def _blocks(file: Any) -> Iterator[NDArray[np.float32]]:
    """Read blocks (frames,), channels averaged."""
    while len(block := file.read(max(1, _BLOCK // file.channels), dtype="float32", always_2d=True)):
        yield finite(block[:, 0] if block.shape[1] == 1 else mixed(block, axis=1))


def _is_cut_short(data: bytes) -> bool:
    """Tell whether a WAV or AIFF file ends before its audio does; libsndfile would read what is left without a word."""
    order = {b"RIFF": "<", b"FORM": ">"}.get(data[:4])
    at = 12
    while order and at + 8 <= len(data):
        name, size = struct.unpack_from(f"{order}4sI", data, at)
        at += 8
        if name in {b"data", b"SSND"}:
            return bool(size < _UNKNOWN and at + size > len(data))
        at += size + size % 2
    return False
