"""PCM from a pipe: samples as they arrive, raw or behind the header of a WAV file."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

import numpy as np

from emonet_bench.errors import AudioError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase

    from numpy.typing import NDArray

Encoding = Literal["wav", "s16le", "f32le"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

_CHUNK = 2**16  # bytes that are read at once, where so many are there
_MOST_CHANNELS = 64
_LONGEST = 2**20  # bytes of what stands before a WAV file's samples
_UNKNOWN = 0x7FFFF000  # writers to a pipe put a size from here on, or none, into the header
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE  # tags of formats
_DTYPES: dict[str, np.dtype[Any]] = {"s16le": np.dtype("<i2"), "f32le": np.dtype("<f4")}
_TAGS = {(_PCM, 16): "s16le", (_FLOAT, 32): "f32le"}


class PcmFormat(NamedTuple):
    """What the bytes are.

    Attributes:
        sampling_rate: Frames per second.
        channels: Samples of a frame, interleaved.
        encoding: ``s16le`` or ``f32le``.
        size: Bytes of samples, where a header says so; None: all up to the end.
    """

    sampling_rate: int
    channels: int
    encoding: Literal["s16le", "f32le"]
    size: int | None = None


class Arriving(Protocol):
    """What gives bytes as they arrive, such as standard input."""

    def read1(self, size: int = -1, /) -> bytes:
        """Return what is there, waiting for something; nothing at the end."""
        ...


def check_channels(channels: int) -> None:
    """Hold a number of channels to what is taken.

    Raises:
        ConfigError: It is none, or too many.
    """
    if not 1 <= channels <= _MOST_CHANNELS:
        raise ConfigError(f"channels: must lie in 1 to {_MOST_CHANNELS}, is {channels}")


def read_header(source: BufferedIOBase) -> PcmFormat:
    """Read what stands before the samples of a WAV file, and not a byte more.

    Raises:
        AudioError: It is no WAV file, or its samples are neither 16-bit integers nor 32-bit floats.
    """
    riff = source.read(12)
    if riff[:4] not in {b"RIFF", b"RF64"} or riff[8:] != b"WAVE":
        raise AudioError("stream: does not begin like a WAV file; say --encoding and --rate where it is raw PCM")
    known: PcmFormat | None = None
    left = _LONGEST
    while len(head := source.read(8)) == 8:  # noqa: PLR2004 - a chunk's name and size
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            if known is None:
                break
            return known._replace(size=size if 0 < size < _UNKNOWN else None)
        left -= size + size % 2
        if left < 0:
            break
        content = source.read(size + size % 2)
        if name == b"fmt ":
            known = _format(content)
    raise AudioError("stream: its WAV header is damaged or cut")


def _format(content: bytes) -> PcmFormat:
    try:
        tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", content)
        if tag == _EXTENSIBLE:
            (tag,) = struct.unpack_from("<H", content, 24)  # the first bytes of the sub-format
    except struct.error as error:
        raise AudioError("stream: its WAV header is damaged or cut") from error
    encoding = _TAGS.get((tag, bits))
    if encoding is None:
        raise AudioError(f"stream: a WAV file of format {tag} with {bits} bits; give 16-bit integers or 32-bit floats")
    check_channels(channels)
    return PcmFormat(rate, channels, "s16le" if encoding == "s16le" else "f32le")


def read_frames(source: Arriving, form: PcmFormat) -> Iterator[NDArray[Any]]:
    """Yield frames (S, channels) as they arrive.

    Raises:
        AudioError: The end comes within a frame.
    """
    dtype = _DTYPES[form.encoding]
    width, rest, left = dtype.itemsize * form.channels, b"", form.size
    while left != 0 and (chunk := source.read1(_CHUNK if left is None else min(left, _CHUNK))):
        left = None if left is None else left - len(chunk)
        data = rest + chunk
        whole = len(data) - len(data) % width
        if whole:
            yield np.frombuffer(data[:whole], dtype).reshape(-1, form.channels)
        rest = data[whole:]
    if rest:
        raise AudioError("stream: ends within a frame; check the encoding and the number of channels")
