"""The results directory: one directory for each run, written aside and renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from emonet_bench.errors import StoreError
from emonet_bench.runs import RunSpec, directory_name

CHECKPOINT = "model.safetensors"
"""The weights in a run's directory."""

_PENDING = ".pending"


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
        return self.root / _PENDING / directory_name(spec, run_id)

    def record(self, spec: RunSpec, run_id: str) -> dict[str, Any] | None:
        """Return the record of a finished (or failed) run, or None where there is none."""
        path = self.path(spec, run_id)
        return read_record(path) if path.is_dir() else None

    @contextmanager
    def writing(self, spec: RunSpec, run_id: str, *, again: bool = False) -> Iterator[Path | None]:
        """Give a directory to write a run into; on a clean exit it is moved to its place, unless discarded.

        One process at a time writes a run: others wait here, and get None once it has finished. What a killed process
        has left in the directory is still there, so that its training can go on.

        Args:
            spec: The cell.
            run_id: Its identity.
            again: Whether a run that is already there is replaced.

        Raises:
            StoreError: The results directory cannot be written.
        """
        aside = self.pending(spec, run_id)
        try:
            aside.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"--results {self.root}: cannot be written ({error.strerror})") from error
        with FileLock(f"{aside}.lock"):
            if self.path(spec, run_id).is_dir() and not again:
                yield None
                return
            if again:
                self.discard(aside)
            aside.mkdir(exist_ok=True)
            yield aside
            if aside.is_dir():
                self._move(aside, self.path(spec, run_id))

    def discard(self, aside: Path) -> None:
        """Clear what was written of a run that comes to nothing."""
        shutil.rmtree(aside, ignore_errors=True)

    def _move(self, aside: Path, place: Path) -> None:
        for path in (*aside.iterdir(), aside):
            _sync(path)  # content reaches the disk before the name does
        if place.exists():
            old = aside.with_name(aside.name + ".old")
            shutil.rmtree(old, ignore_errors=True)
            place.rename(old)
            aside.rename(place)
            shutil.rmtree(old, ignore_errors=True)
        else:
            aside.rename(place)
        _sync(place.parent)


def read_record(path: Path) -> dict[str, Any]:
    """Read the ``result.json`` of a run's directory.

    Raises:
        StoreError: It is missing or not JSON.
    """
    file = path / "result.json"
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


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as readable JSON."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
