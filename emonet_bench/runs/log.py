"""What a cell says while it runs, kept beside its results: logging, warnings, and whatever is printed."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from emonet_bench.runs.files import LOG


@contextmanager
def capture_output(directory: Path) -> Iterator[None]:
    """Write all that is logged, warned of or printed meanwhile to ``log.txt``; a continued cell adds to its own."""
    with (directory / LOG).open("a", encoding="utf-8", errors="backslashreplace", buffering=1) as stream:
        handler = logging.StreamHandler(stream)
        formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(min(level, logging.INFO))
        try:
            with warnings.catch_warnings(), redirect_stdout(stream), redirect_stderr(stream):
                warnings.showwarning = _show
                yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,  # noqa: ARG001 - the signature of warnings
) -> None:
    print(f"{category.__name__}: {message} ({filename}:{lineno})", file=file or sys.stderr)
