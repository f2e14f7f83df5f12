"""Decoding uploads: bytes in memory to samples at a model's rate, block by block and within limits."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from emonet_bench.audio.decoding import joined
from emonet_bench.audio.reading import at_rate, mono_blocks
from emonet_bench.audio.sound_file import opened
from emonet_bench.deploy.clips import sixteen_bits
from emonet_bench.deploy.pcm import read_header
from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.errors import AudioError, ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATES = (1_000, 768_000)
"""Lowest and highest sampling rate of audio that is taken, in Hz."""

CHANNELS = 64
"""Most channels."""


_QUICK = 2**18  # bytes


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
    most = most_seconds * sampling_rate
    if (plain := _plain(data, sampling_rate)) is not None:
        if len(plain) > most:
            raise too_long(most_seconds)
        return plain
    parts: list[NDArray[np.float32]] = []
    with opened(io.BytesIO(data)) as (file, known):
        check_format(file.samplerate, file.channels)
        if known and file.frames > most_seconds * file.samplerate:
            raise too_long(most_seconds)
        for block in at_rate(mono_blocks(file, known=known), file.samplerate, sampling_rate):
            parts.append(sixteen_bits(block))
            if not known and sum(map(len, parts)) > most:
                raise too_long(most_seconds)
    return joined(parts)


def _plain(data: bytes, sampling_rate: int) -> NDArray[np.float32] | None:
    """Read a whole WAV file of 16 bits, one channel and the model's rate, its samples as they are; else None.

    libsndfile, which calls back for every few bytes of an open file, gives the same for ten times the processor time.
    """
    file = io.BytesIO(data)
    try:
        form = read_header(file)
    except (AudioError, ConfigError):
        return None  # libsndfile says what it is
    start, size = file.tell(), form.size or 0
    plain = form[:3] == (sampling_rate, 1, "s16le") and data[:4] == b"RIFF"
    if not plain or not 0 < size <= len(data) - start or size % 2:
        return None
    samples: NDArray[np.float32] = np.frombuffer(data, "<i2", size // 2, start) * np.float32(2.0**-15)
    return samples


def is_quick(data: bytes, sampling_rate: int) -> bool:
    """Tell whether decoding takes less than a millisecond: a short WAV file of plain samples at the model's rate."""
    try:
        return len(data) <= _QUICK and read_header(io.BytesIO(data)).sampling_rate == sampling_rate
    except (AudioError, ConfigError):
        return False


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
