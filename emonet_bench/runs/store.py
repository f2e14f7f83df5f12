"""The results directory: one directory for each run, written aside and renamed into place."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emonet_bench.errors import OutOfSpaceError, StoreError
from emonet_bench.files import child, sync
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.lock import SUFFIX, is_locked, lock
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import RunSpec, directory_name

PENDING = ".pending"
"""Where unfinished runs lie in a results directory."""

_OLD = ".old"  # a run that is being replaced
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class RunStore:
    """A results directory.

    Attributes:
        root: Its path.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def make(self) -> None:
        """Make the directory, where it is not there yet.

        Raises:
            StoreError: Nothing can be written there.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not os.access(self.root, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise StoreError(
                f"--results {self.root}: cannot be written ({error.strerror}); name another directory"
            ) from error

    def path(self, spec: RunSpec, run_id: str) -> Path:
        """Return where a run lies once it has finished.

        Raises:
            StoreError: Its name would lead elsewhere.
        """
        return child(self.root, directory_name(spec, run_id), "the run's spec")

    def pending(self, spec: RunSpec, run_id: str) -> Path:
        """Return where a run is written."""
        return self.root / PENDING / self.path(spec, run_id).name

    def record(self, spec: RunSpec, run_id: str) -> RunRecord | None:
        """Return the record of a finished (or failed) run, or None where there is none.

        Raises:
            StoreError: It cannot be read, or is another run's.
        """
        path = self.path(spec, run_id)
        try:
            if not path.is_dir():
                return None
        except OSError as error:
            raise StoreError(f"--results {self.root}: cannot be read ({error.strerror})") from error
        record = RunFiles(path).read_record()
        if record.run_id != run_id:
            raise StoreError(f"{path}: holds the run {record.run_id}, not {run_id}; delete it and run the matrix again")
        return record

    @contextmanager
    def writing(self, spec: RunSpec, run_id: str, *, again: bool = False) -> Iterator[Path | None]:
        """Give a directory to write a run into; on a clean exit it is moved to its place, unless discarded.

        One process at a time writes a run; the lock is the operating system's, so a process's death frees it. What a
        killed process has left in the directory is still there, so that its training can go on; a run that it had
        committed already is only moved.

        Args:
            spec: The cell.
            run_id: Its identity.
            again: Whether a run that is already there is replaced.

        Yields:
            The directory, or None where the run is finished already.

        Raises:
            RunLocked: Another process writes it now.
            StoreError: The results directory cannot be written.
        """
        staging, place = self.pending(spec, run_id), self.path(spec, run_id)
        if os.path.islink(staging.parent):  # noqa: PTH114 - no error where the name is too long
            raise StoreError(f"{staging.parent}: is a link, so that runs would be written elsewhere; remove it")
        with lock(_lock_file(staging), f"--results {self.root}"):
            _remove_irregular(staging)
            if RunFiles(staging).is_run():
                self._move(staging, place)
            if place.is_dir() and not again:
                yield None
                return
            staging.mkdir(exist_ok=True)
            yield staging
            if staging.is_dir():
                self._move(staging, place)

    def busy(self, spec: RunSpec, run_id: str) -> bool:
        """Tell whether a process is writing a run at this moment."""
        return is_locked(_lock_file(self.pending(spec, run_id)))

    def directories(self) -> list[Path]:
        """Return all directories in which finished runs should lie.

        Raises:
            StoreError: The results directory cannot be read.
        """
        try:
            return sorted(path for path in self.root.iterdir() if path.is_dir() and not path.name.startswith("."))
        except OSError as error:
            raise StoreError(f"{self.root}: cannot be read ({error.strerror})") from error

    def finished(self) -> list[Path]:
        """Return the directories of all runs that have finished or failed."""
        return [path for path in self.directories() if RunFiles(path).is_run()]

    def unfinished(self) -> list[tuple[Path, bool]]:
        """Return the directories of all other runs that have begun, each with whether a process is at work on it."""
        found = (path for path in (self.root / PENDING).glob("*") if path.is_dir() and path.suffix != _OLD)
        return [(path, is_locked(_lock_file(path))) for path in sorted(found) if not path.is_symlink()]

    def discard(self, staging: Path) -> None:
        """Clear what was written of a run that comes to nothing."""
        shutil.rmtree(staging, ignore_errors=True)

    def _move(self, staging: Path, place: Path) -> None:
        for leftover in (RunFiles(staging).state, *staging.glob("*.part")):
            leftover.unlink(missing_ok=True)
        for path in (*staging.iterdir(), staging):
            sync(path)  # content reaches the disk before the name does
        if place.is_symlink() or place.exists():
            old = staging.with_name(staging.name + _OLD)
            _remove(old)
            place.rename(old)  # of a link: the link, its target stays
            staging.rename(place)
            _remove(old)
        else:
            staging.rename(place)
        sync(place.parent)


def out_of_space(error: BaseException) -> bool:
    """Tell whether the disk is to blame: full, over quota or read-only. safetensors gives the number in its message."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    if isinstance(error, OutOfSpaceError):
        return True
    return any(f"os error {number})" in str(error) for number in _FULL)


def _remove(path: Path) -> None:
    """Remove a directory or a link to one, but not what it leads to."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def _remove_irregular(staging: Path) -> None:
    """Remove what nobody who writes runs leaves: links that would be followed, and pipes that would be waited for."""
    if staging.is_symlink():
        staging.unlink()
    for path in staging.iterdir() if staging.is_dir() else ():
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            path.unlink()


def _lock_file(staging: Path) -> Path:
    return staging.with_name(staging.name + SUFFIX)
