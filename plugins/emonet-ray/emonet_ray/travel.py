"""What travels with a cell to a node that does not share the results directory, and what comes back."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Files = Mapping[str, bytes]
_NEEDED = {"model.safetensors", "result.json"}  # of a source


@dataclass(frozen=True)
class Parcel:
    """A call on its way to a node.

    Attributes:
        function: What to call.
        arguments: Its arguments; the first may be a job with ``results`` and ``source``.
        options: Its keyword arguments.
        token: A file in the results directory by which a node tells that it shares it; None: the call is no job.
        source: The files of the job's source.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    token: Path | None = None
    source: Files | None = None


@dataclass(frozen=True)
class Returned:
    """What a call came to.

    Attributes:
        value: What the function returned.
        runs: The files of each run's directory, by its name, where the disk is not shared.
    """

    value: Any
    runs: Mapping[str, Files]


def pack(function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Parcel:
    """Make a call ready to travel."""
    job = arguments[0] if arguments else None
    if not hasattr(job, "results"):
        return Parcel(function, arguments, options)
    job = replace(job, results=job.results.absolute(), source=job.source and job.source.absolute())
    token = job.results / ".pending" / f"{uuid.uuid4().hex}.token"
    token.parent.mkdir(parents=True, exist_ok=True)
    token.touch()
    source = None
    if job.source is not None:
        files = [path for path in job.source.iterdir() if path.name in _NEEDED] if job.source.is_dir() else [job.source]
        source = {path.name: path.read_bytes() for path in files}
    return Parcel(function, (job, *arguments[1:]), options, token, source)


def carry_out(parcel: Parcel) -> Returned:
    """Make the call, on the node; where it does not share the results directory, in a temporary one."""
    if parcel.token is None or parcel.token.exists():
        return Returned(parcel.function(*parcel.arguments, **parcel.options), {})
    job, *others = parcel.arguments
    with tempfile.TemporaryDirectory(prefix="emonet-ray-") as folder:
        results, source = Path(folder) / "results", None
        if job.source is not None:
            source = Path(folder) / "source"
            _write(source, parcel.source or {})
            source = source if job.source.suffix == "" else source / job.source.name
        value = parcel.function(replace(job, results=results, source=source), *others, **parcel.options)
        runs = {path.name: _files(path) for path in results.glob("[!.]*") if path.is_dir()}
    return Returned(value, runs)


def deliver(parcel: Parcel, returned: Returned) -> Any:
    """Put what came back in its place, whole or not at all, and return the function's value."""
    for name, files in returned.runs.items():
        results = parcel.arguments[0].results
        aside = results / ".pending" / f"{name}.returned"
        shutil.rmtree(aside, ignore_errors=True)
        _write(aside, files)
        shutil.rmtree(results / name, ignore_errors=True)
        aside.rename(results / name)
    return returned.value


def forget(parcel: Parcel) -> None:
    """Clear what a call has left behind, however it ended."""
    if parcel.token is not None:
        parcel.token.unlink(missing_ok=True)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _write(folder: Path, files: Files) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        with (folder / name).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream)  # content reaches the disk before the run's name does
