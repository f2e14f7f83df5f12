"""Locks between processes: the operating system's, so that a process's death frees what it held."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from emonet_bench.errors import StoreError

SUFFIX = ".lock"
"""What is added to the name of what is locked."""

_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}


class RunLocked(StoreError):  # noqa: N818 - a state, not a failure
    """Another process is at work on this run."""


@contextmanager
def lock(file: Path, what: str) -> Iterator[None]:
    """Hold a lock; its file is removed at the end.

    Args:
        file: The file that stands for the lock; a link is not followed.
        what: The directory or option at fault where it cannot be made, for the message.

    Raises:
        RunLocked: Another process holds it.
        StoreError: The file cannot be made, or its file system has no locks.
    """
    held = FileLock(file, timeout=0)
    try:
        if file.is_symlink():
            file.unlink()  # planted: we make none
        file.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except Timeout:
        raise RunLocked(f"{file.name.removesuffix(SUFFIX)}: another process is at work on this run") from None
    except OSError as error:
        if error.errno in _WITHOUT_LOCKS:
            raise StoreError(
                f"{what}: its file system locks no files ({error.strerror}); choose a directory on another one"
            ) from error
        raise StoreError(f"{what}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)  # still held: nobody can believe to have got a file that is gone
        held.release()


def is_locked(file: Path) -> bool:
    """Tell whether a process holds a lock; to look changes nothing."""
    if file.is_symlink() or not file.is_file():
        return False
    looked = FileLock(file, timeout=0)
    try:
        looked.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    looked.release()
    return False
