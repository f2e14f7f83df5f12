"""Archives: members of ZIP files and of uncompressed tar files, read where they lie and never unpacked by name."""

from __future__ import annotations

import os
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, NamedTuple, cast

from emonet_bench.errors import AudioError
from emonet_bench.types import ArchiveMember

MOST_BYTES = 2**31
"""Bytes of a member, unpacked: as much as a clip may have as float32."""

_IN_MEMORY = 2**26  # bytes; a longer member goes to a temporary file without a name
_BLOCK = 2**20
_ARCHIVES = 8  # whose directories are remembered: reading that of 10,000 clips anew for each clip would take minutes


class _Directory(NamedTuple):
    """What an archive holds.

    Attributes:
        zip: The open ZIP file; None for a tar file.
        names: The name as it stands in the archive, by the name in its composed form without a leading ``./``.
        places: Of a tar file where each member begins, and how many bytes it has; (-1, -1) where it is no plain file.
    """

    zip: zipfile.ZipFile | None
    names: Mapping[str, str]
    places: Mapping[str, tuple[int, int]]


@contextmanager
def opened_member(source: ArchiveMember) -> Iterator[BinaryIO]:
    """Open a member of an archive for reading; its content is held against the ZIP file's checksum.

    Args:
        source: Which. Its name is looked up among those in the archive and never becomes a path.

    Raises:
        AudioError: The archive cannot be read or has no such file; the message does not name them.
    """
    with SpooledTemporaryFile(_IN_MEMORY) as content:
        try:
            state = os.stat(source.archive)  # noqa: PTH116 - as the sample cache does
            if not stat.S_ISREG(state.st_mode):
                raise AudioError("the archive is a folder, a pipe or a device; give a regular file")
            read = _directory(str(source.archive), source.format, os.getpid(), state.st_size, state.st_mtime_ns)
            _copy(source, read, content)
        except OSError as error:
            raise AudioError(f"the archive cannot be read: {(error.strerror or str(error)).lower()}") from error
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError) as error:
            raise AudioError(f"the {source.format} archive is damaged, or none: {_in_one_line(error)}") from error
        except (RuntimeError, NotImplementedError) as error:  # a password, or a compression that Python does not know
            raise AudioError(f"the archive does not give it out: {_in_one_line(error)}") from error
        content.seek(0)
        yield cast("BinaryIO", content)


@lru_cache(_ARCHIVES)
def _directory(archive: str, form: str, *_: int) -> _Directory:
    """Read the directory of an archive once in a process, for each state of the file."""
    if form == "zip":
        whole = zipfile.ZipFile(archive)
        return _Directory(whole, {_plain(info.filename): info.filename for info in whole.infolist()}, {})
    places: dict[str, tuple[int, int]] = {}
    try:
        with tarfile.open(archive, "r:") as packed:
            for info in packed:
                places[info.name] = (info.offset_data, info.size) if info.isreg() and not info.issparse() else (-1, -1)
    except tarfile.ReadError as error:
        with Path(archive).open("rb") as stream:
            compressed = stream.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"))
        if compressed:
            raise AudioError("a compressed tar file must be read from its start for each clip; unpack it") from error
        raise
    return _Directory(None, {_plain(name): name for name in places}, places)


def _copy(source: ArchiveMember, directory: _Directory, content: SpooledTemporaryFile[bytes]) -> None:
    """Copy what a member holds, at most as many bytes as its archive declares."""
    name = directory.names.get(_plain(source.member))
    if name is None:
        held = next(iter(directory.names), "nothing")
        raise AudioError(f"the archive has no such member among its {len(directory.names)}, such as {held[:100]!r}")
    if directory.zip is not None:
        info = directory.zip.getinfo(name)
        _check(info.file_size, plain=not info.is_dir())
        with directory.zip.open(info) as member:
            while block := member.read(_BLOCK):
                content.write(block)
        return
    start, left = directory.places[name]
    _check(left, plain=start >= 0)
    with Path(source.archive).open("rb") as packed:  # each its own: threads read at once
        packed.seek(start)
        while left and (block := packed.read(min(_BLOCK, left))):
            content.write(block)
            left -= len(block)
    if left:
        raise EOFError("it ends within the member")


def _check(size: int, *, plain: bool) -> None:
    if not plain:
        raise AudioError("is no plain file in its archive, but a folder or a link")
    if size > MOST_BYTES:
        raise AudioError(f"would be {size / 2**30:.1f} GiB unpacked; a clip may have {MOST_BYTES // 2**30}")


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.removeprefix("./"))


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
