"""Audio containers: whether a file holds all of the audio that it declares.

libsndfile reads what is left of a cut file without a word, and guesses the length of an MP3 file from its first frame.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import BinaryIO

from emonet_bench.errors import AudioError

CUT = "truncated: holds less audio than its header says"

_UNKNOWN = 0x7FFFF000  # writers to a pipe put a size from here on into a header of 32 bits
_CHUNKS = 10_000  # more than any writer makes: the search for the samples ends
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_FIRST, _LAST = 2, 4  # flags of an Ogg page (RFC 3533)


def check_whole(file: BinaryIO) -> None:
    """Hold an open file to what its container declares: WAV, RF64, W64, AIFF, AU and Ogg.

    Raises:
        AudioError: It is empty, ends before its audio does, or holds several Ogg streams one after another; the message
            names no file.
    """
    file.seek(0)
    magic = file.read(4)
    if not magic:
        raise AudioError("empty: zero bytes")
    check = _CHECKS.get(magic)
    if check is not None:
        end = file.seek(0, os.SEEK_END)
        file.seek(0)
        check(file, end)


def _riff(file: BinaryIO, end: int) -> None:
    """Find the samples' chunk of a WAV, RF64 or AIFF file."""
    kind, _, _ = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    order = ">" if kind == b"FORM" else "<"
    large = None  # RF64 keeps the size of its samples in a chunk of its own (EBU Tech 3306)
    for _ in range(_CHUNKS):
        if len(header := file.read(8)) < 8:  # noqa: PLR2004 - a chunk's name and size
            return None
        name, size = struct.unpack(f"{order}4sI", header)
        start = file.tell()
        if name == b"ds64":
            _, large = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        if name in {b"data", b"SSND"}:
            size = large if kind == b"RF64" and large else size
            return _check(start + size <= end or (kind != b"RF64" and size >= _UNKNOWN))
        file.seek(start + size + size % 2)
    return None


def _w64(file: BinaryIO, end: int) -> None:
    """Find the samples' chunk of a Sony Wave64 file; sizes include a chunk's own header of 24 bytes."""
    file.seek(40)
    for _ in range(_CHUNKS):
        if len(header := file.read(24)) < 24:  # noqa: PLR2004
            return None
        name, size = struct.unpack("<16sQ", header)
        if name == _W64_DATA:
            return _check(file.tell() - 24 + size <= end)
        file.seek(min(end, file.tell() + max(0, size - 24) + -size % 8))
    return None


def _au(file: BinaryIO, end: int) -> None:
    start, size = struct.unpack(">4xII", file.read(12).ljust(12, b"\0"))
    _check(size >= _UNKNOWN or start + size <= end)


def _check(whole: bool) -> None:  # noqa: FBT001 - the question itself
    if not whole:
        raise AudioError(CUT)


def _ogg(file: BinaryIO, end: int) -> None:
    """Follow the pages of an Ogg file (RFC 3533) from its first to its last."""
    following: dict[int, int] = {}  # the number of each stream's next page
    begun = False  # whether a page has come that is no stream's first
    while len(header := file.read(27)) == 27 and header[:4] == b"OggS":  # noqa: PLR2004 - bytes of a page's header
        flags, stream, number = struct.unpack("<5xB8xII", header[:22])
        if flags & _FIRST:
            if begun and not following:
                raise AudioError("holds several Ogg streams one after another, of which only the first can be heard")
            following[stream] = number
        if following.get(stream) != number:
            raise AudioError("damaged: pages of its Ogg stream are missing")
        begun = begun or not flags & _FIRST
        following[stream] += 1
        size = sum(file.read(header[26]))
        if file.tell() + size > end:
            break
        if flags & _LAST:
            del following[stream]
        file.seek(size, os.SEEK_CUR)
    if following:
        raise AudioError("truncated: its Ogg stream has no last page; if it is whole, ffmpeg -c copy mends that")


_CHECKS: dict[bytes, Callable[[BinaryIO, int], None]] = {
    b"RIFF": _riff,
    b"RF64": _riff,
    b"FORM": _riff,
    b"riff": _w64,
    b".snd": _au,
    b"OggS": _ogg,
}
