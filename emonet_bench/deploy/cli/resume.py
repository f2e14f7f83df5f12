"""Resuming: what an output holds already is kept, but for the last file in it, which may not be complete."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Sequence
from io import BufferedRandom
from pathlib import Path
from typing import NamedTuple

from emonet_bench.deploy.prediction import column_names
from emonet_bench.errors import ConfigError
from emonet_bench.files import check_regular


class Done(NamedTuple):
    """What stands in an output.

    Attributes:
        files: The files whose predictions are complete.
        size: Bytes up to the first prediction of the last file; what follows is done again.
    """

    files: frozenset[str]
    size: int


_CUT = "unexpected end of data"
"""The message of Python's parser for a quoted name that was cut at a line break in it."""

NOTHING = Done(frozenset(), 0)


def read_done(path: Path, form: str, columns: Sequence[str]) -> Done:
    """Read what an output in CSV or JSON lines holds.

    Args:
        path: The output; it may be missing.
        form: ``csv`` or ``jsonl``.
        columns: What a line must hold, as ``Predictor.columns`` names it.

    Raises:
        ConfigError: It holds something else.
    """
    check_regular(path, "--output")
    if not path.exists() or not path.stat().st_size:
        return NOTHING
    with path.open("r+b") as file:
        lines = _csv_files(file, columns) if form == "csv" else _jsonl_files(file, columns)
        try:
            return _up_to_last(lines)
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
            raise ConfigError(
                f"--resume: {path} is not what this model writes with --format {form}; name another --output"
            ) from error


def _up_to_last(lines: Iterator[tuple[str, int]]) -> Done:
    """Find the last file's first line among pairs of a line's file and the bytes before it."""
    done: set[str] = set()
    last, size = None, 0
    for file, place in lines:
        if file != last:
            done.update([] if last is None else [last])
            last, size = file, place
    return Done(frozenset(done - {last}), size)


def _csv_files(file: BufferedRandom, columns: Sequence[str]) -> Iterator[tuple[str, int]]:
    reader = csv.reader(_whole_lines(file), strict=True)
    if next(reader, None) != [*columns]:
        raise ValueError("another head")
    yield "", file.tell()  # no file's: with nothing behind it, the head alone is kept
    place = file.tell()
    try:
        for row in reader:
            if len(row) != len(columns):
                raise ValueError("another row")
            yield row[0], place
            place = file.tell()
    except csv.Error as error:
        if str(error) != _CUT:
            raise


def _jsonl_files(file: BufferedRandom, columns: Sequence[str]) -> Iterator[tuple[str, int]]:
    place = 0
    for line in _whole_lines(file):
        row = json.loads(line)
        *told, (output, numbers) = row.items()
        if column_names(output, [*numbers]) != [*columns] or [*dict(told)] != [*columns[: len(told)]]:
            raise ValueError("another row")
        yield str(row["file"]), place
        place = file.tell()


def _whole_lines(file: BufferedRandom) -> Iterator[str]:
    """Yield lines, but for a last one that was cut; the file's place is behind the line."""
    while (line := file.readline()).endswith(b"\n"):
        yield os.fsdecode(line)
