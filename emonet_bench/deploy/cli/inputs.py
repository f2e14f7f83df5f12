"""Inputs of ``predict``: files, folders that are searched, and names that come from standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from emonet_bench.errors import ConfigError
from emonet_bench.folders import files_in
from emonet_bench.types import AUDIO_SUFFIXES

STDIN = "-"
"""The argument that stands for names from standard input."""


def groups_of_names(arguments: Sequence[str]) -> Iterator[list[str]]:
    """Yield names of files in groups, each to be scored before the next is asked for.

    Names from standard input are a group as they come, so that whoever writes one and waits gets its answer.

    Raises:
        ConfigError: An argument stands for no file.
    """
    named = [[] if argument == STDIN else _named_by(argument) for argument in arguments]
    group: list[str] = []
    for argument, names in zip(arguments, named, strict=True):
        if argument == STDIN:
            yield group
            group = []
            yield from _from_stdin()
        group += names
    yield group


def _named_by(argument: str) -> list[str]:
    if not argument:
        raise ConfigError("FILES: one of them is an empty name; leave it out, or give . for the folder you are in")
    return _audio_in(Path(argument)) if os.path.isdir(argument) else [argument]  # noqa: PTH112 - Path's may raise


def _audio_in(folder: Path) -> list[str]:
    """List a folder's audio, with what looks like audio and cannot be read, so that it is named."""
    from emonet_bench.audio.sound_file import FOREIGN_SUFFIXES  # noqa: PLC0415 - numpy

    known = AUDIO_SUFFIXES | FOREIGN_SUFFIXES
    found = sorted(str(path) for path in files_in(folder) if path.suffix.lower() in known)
    if not found:
        raise ConfigError(f"{folder}: holds no audio files")
    return found


def _from_stdin() -> Iterator[list[str]]:
    """Yield the lines that are there, whenever there are some; names need not be in any encoding."""
    if sys.stdin is None:  # as Python has it where it is closed
        raise ConfigError("-: standard input is closed; name files or folders instead")
    rest = b""
    source: Any = sys.stdin.buffer
    while chunk := source.read1():  # waits for something, not for all
        *lines, rest = (rest + chunk).split(b"\n")
        yield _names(lines)
    yield _names([rest])


def _names(lines: Sequence[bytes]) -> list[str]:
    return [os.fsdecode(name) for line in lines if (name := line.rstrip(b"\r"))]
