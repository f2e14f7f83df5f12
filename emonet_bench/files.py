"""Files: written atomically, named safely, and read only where they are regular.

Every file that the host writes goes through ``atomic_path``, and every name that comes from a file of somebody else's
goes through ``child`` before it becomes a path.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from io import BufferedReader
from pathlib import Path, PurePosixPath, PureWindowsPath

from emonet_bench.errors import ConfigError, StoreError

LONGEST_NAME = 255
"""Bytes of a file's name that every file system of note takes."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a new file to write; on a clean exit it reaches the disk and replaces ``path``, else nothing is left of it.

    The file has a random name in the same directory and is created for this alone (``O_EXCL``, ``O_NOFOLLOW``), so that
    nothing planted under a predictable name is followed. A symbolic link at ``path`` is replaced, its target untouched.

    Args:
        path: Where the file belongs; its directory must exist.

    Yields:
        The empty file to write to.

    Raises:
        OSError: It cannot be written, or no file may take the place of what stands at ``path``, such as a device or a
            pipe; whatever stood there still does.
    """
    _check_replaceable(path)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    temporary = Path(name)
    os.close(handle)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # afterwards: some writers put a private file of their own in its place
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def _check_replaceable(path: Path) -> None:
    """Hold what stands at a path to a file or a link: the superuser could replace even ``/dev/null``."""
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            raise FileExistsError(errno.EEXIST, "a folder, a pipe or a device stands there, and no file", str(path))


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, all of it or nothing."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, all of them or none."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def sync(path: Path) -> None:
    """Bring a file or a directory to the disk; some file systems cannot do that for directories."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError) if path.is_dir() else nullcontext():
            os.fsync(handle)
    finally:
        os.close(handle)


def child(directory: Path, name: str, where: str) -> Path:
    """Return the path of an untrusted name within a directory.

    Args:
        directory: Where the name belongs.
        name: A name that a file says: a run's, a corpus's, a checkpoint's. It must be a single component.
        where: What says so, for the message.

    Raises:
        StoreError: The name would lead elsewhere, or no file system takes it.

    >>> child(Path("results"), "emodb-cnn", "result.json").as_posix()
    'results/emodb-cnn'
    """
    check_file_name(name, where)
    return directory / name


def check_file_name(name: str, where: str) -> None:
    """Hold an untrusted name to a single component that every file system takes.

    Raises:
        StoreError: It is none; see ``child``.
    """
    single = PurePosixPath(name).parts == (name,) and PureWindowsPath(name).parts == (name,)
    if not single or name in (".", "..") or not name.isprintable():
        raise StoreError(
            f"{where}: {name[:LONGEST_NAME]!r} is no name of a file; it must be a single name without a path"
        )
    if len(name.encode(errors="surrogateescape")) > LONGEST_NAME:
        raise StoreError(f"{where}: a name of {len(name)} characters is too long for a file")


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading; what is planted as a pipe is not waited for, and a device not read.

    Raises:
        OSError: It cannot be opened.
        StoreError: It is no regular file.
    """
    at_once = getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for somebody to write to it
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | at_once)) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise StoreError(f"{path}: is no regular file")
        yield stream


def read_bytes(path: Path, most: int) -> bytes:
    """Read a regular file that must not be longer than a bound.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        OSError: It cannot be opened.
        StoreError: It is no regular file, or longer.
    """
    with open_regular(path) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise StoreError(f"{path}: longer than {most // 2**20} MiB, so it is none of ours")
    return content


def check_regular(path: Path, where: str) -> None:
    """Hold a file that will be read to be a regular one: a pipe or a device would never end.

    Raises:
        ConfigError: It is a directory, a pipe, a socket or a device. A missing file passes: opening it says so.
    """
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{where}: {path} is no regular file; give a file")


def expanded(path: Path, where: str) -> Path:
    """Write a path that a user has typed out where it begins with ``~``.

    Args:
        path: The path.
        where: What says so, for the message.

    Raises:
        ConfigError: It names a user who does not exist, or holds a NUL, which no file's name can.
    """
    if "\0" in str(path):
        raise ConfigError(f"{where}: {str(path)!r} holds a NUL character; no file can be called so")
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigError(f"{where}: {path}: no home directory is known for it; write the path out") from None


def _umask() -> int:
    """Return the process's umask; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
