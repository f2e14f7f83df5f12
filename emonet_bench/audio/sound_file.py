"""Sound files: opened through libsndfile, from paths and from open files, whatever their headers say."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import soundfile

from emonet_bench.audio import mpeg
from emonet_bench.audio.containers import check_whole
from emonet_bench.errors import AudioError

FOREIGN_SUFFIXES = frozenset(
    {".3gp", ".aac", ".ac3", ".amr", ".ape", ".asf", ".avi", ".m4a", ".m4b", ".mka", ".mkv", ".mov", ".mp4", ".webm"}
    | {".wma", ".wmv"}
)
"""Suffixes, in small letters, of files that may hold audio and that libsndfile cannot read."""

_UNREADABLE = "not audio that libsndfile can read, or damaged"


def native_name(path: str | Path) -> str | bytes:
    """Name a file as libsndfile opens it: by its bytes, which need not be UTF-8, except on Windows."""
    return str(path) if os.name == "nt" else os.fsencode(path)


class _SoundFile(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read from its start to its end, without the seek and the flush by which soundfile follows that."""

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        """Do nothing: nothing was written."""


class _Stream(io.RawIOBase):
    """An open file from some place on, as libsndfile reads it: never raising, for it cannot take an exception.

    Args:
        file: The file.
        start: Where it begins.
        sized: Whether it has an end to seek from; an MP3 stream without one is decoded until it ends.
    """

    def __init__(self, file: BinaryIO, start: int = 0, *, sized: bool = True) -> None:
        self._file, self._start, self._sized = file, start, sized
        file.seek(start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END and not self._sized:
            return -1
        base = {os.SEEK_SET: self._start, os.SEEK_CUR: self._file.tell()}.get(whence)
        if base is None:
            base = self._file.seek(0, os.SEEK_END)
        return self._file.seek(max(self._start, base + offset)) - self._start

    def tell(self) -> int:
        return self._file.tell() - self._start


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[tuple[Any, bool]]:
    """Open a file for decoding; tell whether it knows its number of frames, which is then what must be there.

    Args:
        source: A path, or a file that is open for reading bytes and can seek.

    Raises:
        AudioError: It is no sound file, cut, or no regular file.
    """
    with _bytes_of(source) as raw:
        check_whole(raw)
        try:
            raw.seek(0)
            with _SoundFile(native_name(source) if isinstance(source, Path) else _Stream(raw)) as file:
                if file.format != "MP3":
                    yield file, 0 <= file.frames < 2**62
                    return
                place = raw.tell()
                found = mpeg.frames(raw)
                raw.seek(place)  # libsndfile may be reading from there
                if found.declared is not None and found.declared >= found.total:
                    yield file, True
                    return
            with _SoundFile(_Stream(raw, found.start, sized=False)) as file:
                yield file, False
        except (TypeError, RuntimeError) as error:  # TypeError: it takes the suffix for headerless audio
            raise AudioError(_unreadable(source)) from error


def _unreadable(source: Path | BinaryIO) -> str:
    suffix = source.suffix.lower() if isinstance(source, Path) else ""
    if suffix not in FOREIGN_SUFFIXES:
        return _UNREADABLE
    return f"libsndfile does not read {suffix} files; convert it first, for example 'ffmpeg -i IN{suffix} OUT.wav'"


@contextmanager
def _bytes_of(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        _check_open(source)
        yield source
        return
    try:
        handle = os.open(source, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # opening a pipe would wait for its writer
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise AudioError("is a pipe or a device; give a regular file")
            yield cast("BinaryIO", file)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else None
        raise AudioError(f"cannot be read: {(reason or str(error)).lower()}") from error


def _check_open(file: BinaryIO) -> None:
    """Hold a file that somebody else has opened to what libsndfile needs of it."""
    try:
        file.seek(0)
        nothing: object = file.read(0)
    except (OSError, ValueError) as error:  # it is closed, a pipe, or open for writing
        raise AudioError(f"cannot be read: {error}".rstrip(".")) from error
    if not isinstance(nothing, bytes):
        raise AudioError("is open as text; open it with the mode 'rb'")
