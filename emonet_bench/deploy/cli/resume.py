"""Resuming: what an output holds already is kept, but for the last file in it, which may not be complete.

The last file is done again only where it is asked for again; what is said of it must be what stood there.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BufferedRandom
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from emonet_bench.deploy.prediction import column_names
from emonet_bench.errors import ConfigError
from emonet_bench.files import check_regular

if TYPE_CHECKING:
    from emonet_bench.deploy import Prediction


class Row(NamedTuple):
    """A line of an output.

    Attributes:
        file: Whose prediction it is.
        numbers: Its start and end, and what the model says.
    """

    file: str
    numbers: tuple[float, ...]


class Done(NamedTuple):
    """What stands in an output.

    Attributes:
        files: The files whose predictions are kept.
        size: Bytes that are kept; what follows is done again.
        again: What follows: predictions of the last file.
    """

    files: frozenset[str]
    size: int
    again: tuple[Row, ...] = ()


_ALIKE = {"rel_tol": 1e-3, "abs_tol": 1e-3}  # on another machine, and by six decimals
_CUT = "unexpected end of data"
"""The message of Python's parser for a quoted name that was cut at a line break in it."""

NOTHING = Done(frozenset(), 0)


def read_done(path: Path, form: str, columns: Sequence[str], is_asked: Callable[[str], bool]) -> Done:
    """Read what an output in CSV or JSON lines holds.

    Args:
        path: The output; it may be missing.
        form: ``csv`` or ``jsonl``.
        columns: What a line must hold, as ``Predictor.columns`` names it.
        is_asked: Tells whether a file is asked for again. If the last one is not, it is kept.

    Raises:
        ConfigError: It holds something else.
    """
    check_regular(path, "--output")
    if not path.exists() or not path.stat().st_size:
        return NOTHING
    with path.open("r+b") as file:
        lines = _csv_files(file, columns) if form == "csv" else _jsonl_files(file, columns)
        try:
            return _up_to_last(lines, is_asked)
        except (ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
            raise ConfigError(
                f"--resume: {path} is not what this model writes with --format {form}; name another --output"
            ) from error


def said_again(predictions: Iterable[Prediction], done: Done, path: Path) -> Iterator[Prediction]:
    """Yield predictions, and hold those that stood in an output before to what stood there.

    Raises:
        ConfigError: They differ.
    """
    waiting = deque(done.again)
    for one in predictions:
        if waiting and waiting[0].file == one.file:
            numbers = (one.start, one.end, *one.row.tolist())
            if not all(
                math.isclose(new, old, **_ALIKE) for new, old in zip(numbers, waiting.popleft().numbers, strict=True)
            ):
                raise ConfigError(
                    f"--resume: {path} holds what another model or other options say of {one.file}; give the same "
                    "command again, or name another --output"
                )
        yield one


def _up_to_last(lines: Iterator[tuple[Row, int, int]], is_asked: Callable[[str], bool]) -> Done:
    """Find the last file's first line among lines, each with its first byte and the one behind it."""
    done: set[str] = set()
    again: list[Row] = []
    first = end = 0
    for row, place, behind in lines:
        if again and row.file != again[-1].file:
            done.add(again[-1].file)
            again = []
        if not again:
            first = place
        again.append(row)
        end = behind
    if again and is_asked(again[-1].file):
        return Done(frozenset(done - {again[-1].file}), first, tuple(again))
    return Done(frozenset(done | {row.file for row in again}), end)


def _csv_files(file: BufferedRandom, columns: Sequence[str]) -> Iterator[tuple[Row, int, int]]:
    reader = csv.reader(_whole_lines(file), strict=True)
    if next(reader, None) != [*columns]:
        raise ValueError("another head")
    place = file.tell()
    yield Row("", ()), 0, place  # no file's: with nothing behind it, the head alone is kept
    labels = sum(":" in name for name in columns)
    try:
        for row in reader:
            if len(row) != len(columns):
                raise ValueError("another row")
            yield Row(row[0], tuple(map(float, [*row[1:3], *row[-labels:]]))), place, (place := file.tell())
    except csv.Error as error:
        if str(error) != _CUT:
            raise


def _jsonl_files(file: BufferedRandom, columns: Sequence[str]) -> Iterator[tuple[Row, int, int]]:
    place = 0
    for line in _whole_lines(file):
        row = json.loads(line)
        *told, (output, numbers) = row.items()
        if column_names(output, [*numbers]) != [*columns] or [*dict(told)] != [*columns[: len(told)]]:
            raise ValueError("another row")
        yield Row(str(row["file"]), (row["start"], row["end"], *numbers.values())), place, (place := file.tell())


def _whole_lines(file: BufferedRandom) -> Iterator[str]:
    """Yield lines, but for a last one that was cut; the file's place is behind the line."""
    while (line := file.readline()).endswith(b"\n"):
        yield os.fsdecode(line)
