"""Output files of commands: the one that ``-o`` names is written whole, or one line says why not."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.files import write_text


def check_output(path: Path, flag: str) -> None:
    """Refuse a path in a directory that is not there, before any work is done for it.

    Raises:
        StoreError: The directory is missing.
    """
    if not path.parent.is_dir():
        missing = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
        raise _unwritable(path, flag, OSError(missing, os.strerror(missing)))


def check_kept(output: Path | None, inputs: Iterable[str | Path], flag: str) -> None:
    """Refuse an output that would take the place of something that is read.

    Raises:
        ConfigError: An input is that very file.
    """
    if output is None or not output.is_file():
        return
    there = output.stat()
    for name in inputs:
        with suppress(OSError, ValueError):  # what is no file is told when its turn comes
            if os.path.samestat(os.stat(name), there):  # noqa: PTH116 - Path's may raise
                raise ConfigError(f"{flag} {output}: is read from, and would be replaced; name another file")


def write_output(path: Path, text: str, flag: str) -> None:
    """Write a file in UTF-8; a device or a pipe, such as /dev/stdout, is written to and never replaced.

    Args:
        path: Where.
        text: What.
        flag: The option that named it, for the message.

    Raises:
        StoreError: It cannot be written; a file that stood there is still there.
    """
    with naming(path, flag):
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="")
        else:
            write_text(path, text)


@contextmanager
def naming(path: Path, flag: str) -> Iterator[None]:
    """Name an output and the option that asked for it where it cannot be written.

    Raises:
        StoreError: It cannot.
        BrokenPipeError: Its reader has left.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(path, flag, error) from error


def write_form(path: Path, text: str, flag: str) -> None:
    """Write a table to be filled in; see ``write_output``. One that lies there already may be: it is never replaced.

    Raises:
        StoreError: Something else lies there, or it cannot be written.
    """
    if path.is_file() and path.read_bytes() != text.encode():
        raise StoreError(f"{flag} {path}: lies there already, perhaps filled in; delete it or give another name")
    write_output(path, text, flag)


def _unwritable(path: Path, flag: str, error: OSError) -> StoreError:
    if error.errno == errno.ENOENT:
        remedy = f"make the folder {path.parent} first"
    elif error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        remedy = "free some space"
    else:
        remedy = "name another file"
    return StoreError(f"{flag} {path}: cannot be written ({error.strerror}); {remedy}")
