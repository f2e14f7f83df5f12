"""MPEG audio frames (ISO/IEC 11172-3): how many an MP3 file holds, whatever its header says."""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

# Kilobits per second by the four bits of a header: MPEG-1 layers 1 to 3, then MPEG-2 layer 1, and its layers 2 and 3.
_RATES = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLING = (44_100, 48_000, 32_000)
_VERSIONS = {3: (1, 1), 2: (2, 2), 0: (2, 4)}  # bits: which table of rates, and by what the sampling rate is divided


class Frames(NamedTuple):
    """The frames of a file.

    Attributes:
        start: Where the first frame of sound begins: behind tags, and behind the frame that describes the others.
        total: Frames of sound.
        declared: What the describing frame (Xing's or LAME's) says of their number; None: there is none.
    """

    start: int
    total: int
    declared: int | None


def frames(file: BinaryIO) -> Frames:
    """Walk through an MP3 file, frame by frame; what follows the last one (tags) is not looked at."""
    place = _after_tags(file)
    file.seek(place)
    size = _size(file.read(4))
    file.seek(place)
    declared = _declared(file.read(size))
    start = place if declared is None else place + size
    count, place = 0, start
    file.seek(place)
    while size := _size(file.read(4)):
        count, place = count + 1, place + size
        file.seek(place)
    return Frames(start, count, declared)


def _after_tags(file: BinaryIO) -> int:
    """Return where the ID3v2 tags at the head of a file end."""
    place = 0
    while True:
        file.seek(place)
        header = file.read(10)
        if header[:3] != b"ID3" or len(header) < 10:  # noqa: PLR2004 - bytes of a tag's header
            return place
        place += 10 + sum((byte & 127) << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))


def _size(header: bytes) -> int:
    """Return the bytes of the frame that begins with this header; 0: none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:  # noqa: PLR2004
        return 0
    layer, rate, sampling = 4 - (header[1] >> 1 & 3), header[2] >> 4, header[2] >> 2 & 3
    version = _VERSIONS.get(header[1] >> 3 & 3)
    if version is None or layer == 4 or not 0 < rate < 15 or sampling == 3:  # noqa: PLR2004 - reserved
        return 0
    table, divisor = version
    bits, hertz = 1000 * _RATES[table, layer][rate], _SAMPLING[sampling] // divisor
    padding = header[2] >> 1 & 1
    if layer == 1:
        return 4 * (12 * bits // hertz + padding)
    return (72 if layer == 3 and table == 2 else 144) * bits // hertz + padding  # noqa: PLR2004


def _declared(frame: bytes) -> int | None:
    """Return the number of frames that a describing frame says; None: this is a frame of sound."""
    for mark in (b"Xing", b"Info"):
        place = frame.find(mark, 4, 64)  # behind the side information, whose size depends on version and channels
        if place >= 0 and len(frame) >= place + 12:
            flags, count = struct.unpack(">II", frame[place + 4 : place + 12])
            return count if flags & 1 else None
    return None
