"""The output of ``predict``: standard output, a file that takes an older one's place at the end, or one to add to."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path
from typing import TextIO

from emonet_bench.console.outputs import naming
from emonet_bench.deploy.cli.resume import Done
from emonet_bench.errors import ConfigError
from emonet_bench.files import atomic_path

_TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}  # names come out as they came in


@contextmanager
def opened(output: Path | None, done: Done, *, resume: bool) -> Iterator[TextIO]:
    """Open what is written to.

    Args:
        output: The file; None: standard output.
        done: What is kept of it.
        resume: Whether to add to the file.

    Raises:
        StoreError: It cannot be written.
    """
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(**_TEXT)  # type: ignore[arg-type]
        yield sys.stdout
        return
    with naming(output, "--output"), _opened(output, done, resume=resume) as stream:
        yield stream


@contextmanager
def _opened(output: Path, done: Done, *, resume: bool) -> Iterator[TextIO]:
    if resume:
        with output.open("r+b" if output.exists() else "w+b") as file:
            _claim(file, output)
            file.truncate(done.size)
            file.seek(done.size)
            yield io.TextIOWrapper(file, **_TEXT)  # type: ignore[arg-type]
    elif output.exists() and not output.is_file():  # a device or a pipe, such as /dev/stdout
        with output.open("w", **_TEXT) as stream:  # type: ignore[call-overload]
            yield stream
    else:
        with atomic_path(output) as temporary, temporary.open("w", **_TEXT) as stream:  # type: ignore[call-overload]
            yield stream


def _claim(file: BufferedRandom, output: Path) -> None:
    """Lock a file that is added to, where the system can, until it is closed.

    Raises:
        ConfigError: Another process adds to it.
    """
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigError(
            f"--output {output}: another process adds to it; wait for its end, or name another file"
        ) from error
    except OSError:  # of a network drive without locks
        return
