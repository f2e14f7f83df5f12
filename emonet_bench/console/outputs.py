"""Output files of commands: the one that ``-o`` names is written whole, or one line says why not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.files import write_text


def check_output(path: Path, flag: str) -> None:
    """Refuse a path in a directory that is not there, before any work is done for it.

    Raises:
        StoreError: The directory is missing.
    """
    if not path.parent.is_dir():
        raise _unwritable(path, flag, os.strerror(errno.ENOENT))


def write_output(path: Path, text: str, flag: str) -> None:
    """Write a file in UTF-8; a device or a pipe, such as /dev/stdout, is written to and never replaced.

    Args:
        path: Where.
        text: What.
        flag: The option that named it, for the message.

    Raises:
        StoreError: It cannot be written; a file that stood there is still there.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="")
        else:
            write_text(path, text)
    except OSError as error:
        raise _unwritable(path, flag, error.strerror) from error


def write_form(path: Path, text: str, flag: str) -> None:
    """Write a table to be filled in; see ``write_output``. One that lies there already may be: it is never replaced.

    Raises:
        StoreError: Something else lies there, or it cannot be written.
    """
    if path.is_file() and path.read_bytes() != text.encode():
        raise StoreError(f"{flag} {path}: lies there already, perhaps filled in; delete it or give another name")
    write_output(path, text, flag)


def _unwritable(path: Path, flag: str, reason: str | None) -> StoreError:
    return StoreError(f"{flag} {path}: cannot be written ({reason})")
