"""The results directory: one directory for each run, written aside and renamed into place."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from emonet_bench.errors import OutOfSpaceError, StoreError
from emonet_bench.runs.spec import RunSpec, directory_name

CHECKPOINT = "model.safetensors"
"""The weights in a run's directory."""

STATE = "state.safetensors"
"""The state of an unfinished training; see ``interruption``."""

PENDING = ".pending"
"""Where unfinished runs lie in a results directory."""

_RECORD = "result.json"
_OLD = ".old"  # a run that is being replaced
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class RunLocked(StoreError):  # noqa: N818 - a state, not a failure
    """Another process is at work on this run."""


class RunStore:
    """A results directory.

    Attributes:
        root: Its path.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, spec: RunSpec, run_id: str) -> Path:
        """Return where a run lies once it has finished."""
        return self.root / directory_name(spec, run_id)

    def pending(self, spec: RunSpec, run_id: str) -> Path:
        """Return where a run is written."""
        return self.root / PENDING / directory_name(spec, run_id)

    def record(self, spec: RunSpec, run_id: str) -> dict[str, Any] | None:
        """Return the record of a finished (or failed) run, or None where there is none."""
        path = self.path(spec, run_id)
        return read_record(path) if path.is_dir() else None

    @contextmanager
    def writing(self, spec: RunSpec, run_id: str, *, again: bool = False) -> Iterator[Path | None]:
        """Give a directory to write a run into; on a clean exit it is moved to its place, unless discarded.

        One process at a time writes a run; the lock is the operating system's, so a process's death frees it. What a
        killed process has left in the directory is still there, so that its training can go on; a run that it had
        sealed already is only moved.

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
        with self._locked(staging):
            if (staging / _RECORD).is_file():
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
        return self._busy(self.pending(spec, run_id))

    def finished(self) -> list[Path]:
        """Return the directories of all runs that have finished or failed."""
        return sorted(path.parent for path in self.root.glob(f"[!.]*/{_RECORD}"))

    def unfinished(self) -> list[tuple[Path, bool]]:
        """Return the directories of all other runs that have begun, each with whether a process is at work on it."""
        found = sorted(path for path in (self.root / PENDING).glob("*") if path.is_dir() and path.suffix != _OLD)
        return [(path, self._busy(path)) for path in found]

    def _busy(self, staging: Path) -> bool:
        if not _lock_file(staging).exists():
            return False
        try:
            with self._locked(staging):
                return False
        except RunLocked:
            return True

    def discard(self, staging: Path) -> None:
        """Clear what was written of a run that comes to nothing."""
        shutil.rmtree(staging, ignore_errors=True)

    @contextmanager
    def _locked(self, staging: Path) -> Iterator[None]:
        file = _lock_file(staging)
        try:
            staging.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(file, timeout=0)
            lock.acquire()
        except Timeout:
            raise RunLocked(f"{staging}: another process is at work on this run") from None
        except OSError as error:
            raise StoreError(f"--results {self.root}: cannot be written ({error.strerror})") from error
        try:
            yield
        finally:
            file.unlink(missing_ok=True)  # still held: nobody can believe to have got a file that is gone
            lock.release()

    def _move(self, staging: Path, place: Path) -> None:
        for leftover in (staging / STATE, *staging.glob("*.part")):
            leftover.unlink(missing_ok=True)
        for path in (*staging.iterdir(), staging):
            _sync(path)  # content reaches the disk before the name does
        if place.exists():
            old = staging.with_name(staging.name + _OLD)
            shutil.rmtree(old, ignore_errors=True)
            place.rename(old)
            staging.rename(place)
            shutil.rmtree(old, ignore_errors=True)
        else:
            staging.rename(place)
        _sync(place.parent)


def commit(directory: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a run whose other files are complete; they reach the disk before it does.

    From then on nothing of the run is lost or done twice, whatever happens.
    """
    for path in directory.iterdir():
        _sync(path)
    staging = directory / f"{_RECORD}.part"
    write_json(staging, record)
    atomic_replace(staging, directory / _RECORD)
    _sync(directory)


def atomic_replace(staging: Path, place: Path) -> None:
    """Rename a file into place, its content first: after a loss of power it is the old one or the new one."""
    _sync(staging)
    staging.replace(place)


def out_of_space(error: BaseException) -> bool:
    """Tell whether the disk is to blame: full, over quota or read-only. safetensors gives the number in its message."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    if isinstance(error, OutOfSpaceError):
        return True
    return any(f"os error {number})" in str(error) for number in _FULL)


def read_record(path: Path) -> dict[str, Any]:
    """Read the ``result.json`` of a run's directory.

    Raises:
        StoreError: It is missing or not JSON.
    """
    file = path / _RECORD
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StoreError(f"{path}: not a run's directory ({file.name}: {error.strerror})") from error
    except ValueError as error:
        raise StoreError(f"{file}: damaged ({error}); delete the directory and run the matrix again") from error
    if not isinstance(record, dict):
        raise StoreError(f"{file}: damaged (not a JSON object); delete the directory and run the matrix again")
    return record


def checkpoint_hash(path: Path) -> str:
    """Hash a checkpoint (SHA-256), given as its file or as the directory of a run.

    Raises:
        StoreError: It cannot be read.
    """
    file = path / CHECKPOINT if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(
            f"{file}: cannot be read ({error.strerror}); give a run's directory or its {CHECKPOINT}"
        ) from error


def hashes(run: Path) -> dict[str, str]:
    """Hash (SHA-256) what a run's scores rest on, by file name: its predictions and its weights."""
    files = sorted([*run.glob("predictions*.csv"), *run.glob("*.safetensors")])
    return {file.name: checkpoint_hash(file) for file in files if file.name != STATE}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as readable JSON."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _lock_file(staging: Path) -> Path:
    return staging.with_name(f"{staging.name}.lock")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
