"""Tables of external predictions: CSV or JSON lines, a clip in each, with what is predicted of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emonet_bench.data.text_files import read_text
from emonet_bench.errors import CorpusError
from emonet_bench.report.external.rows import (
    GUESSES,
    OBJECTS,
    PASSED_OVER,
    UTTERANCE,
    ExternalRow,
    prefix,
    read_row,
    short,
)
from emonet_bench.runs.facts import parse_json
from emonet_bench.types import Partition, Target, Utterance

FILE = "file"
_SEPARATORS = (",", ";", "\t")


def read_external(
    path: Path, target: Target, partition: Partition = "test", clips: Iterable[Utterance] = ()
) -> list[ExternalRow]:
    """Read a table of predictions.

    CSV has a column ``utterance`` and a column for each label or attribute, called as it or as a run's own
    ``predictions.csv``: ``probability:LABEL`` of labels and votes, ``score:LABEL`` of label sets, ``value:ATTRIBUTE``.
    Of labels it may have a column ``label`` (or ``prediction``) instead, or beside; without one the most probable label
    is taken. A run's ``predictions.csv`` is such a table, as is what ``emonet-bench predict`` writes: where there is
    no ``utterance``, ``file`` names the clip, by its path or, where no other file is called so, by its name. A line of
    JSON has ``utterance`` and ``label``, or an object ``probabilities``, ``scores`` or ``values``.

    Args:
        path: The file, in UTF-8.
        target: What is predicted.
        partition: Rows of other partitions are passed over; those that name none are of test.
        clips: Those that are predicted, whose files are known.

    Returns:
        The rows; of another partition than test there may be none.

    Raises:
        ConfigError: It is no regular file.
        CorpusError: One line that names the row and what is wrong with it.
    """
    try:
        text = read_text(path)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    read = _objects if text.lstrip().startswith(("{", "[")) else _records  # a list of objects is told so
    found = read(path, text, target)
    files = _files(clips)
    rows = [
        read_row(f"{path}: line {line}", line, _named(fields, files), target)
        for line, fields in found
        if _of(fields, partition)
    ]
    if not rows and partition != "test":
        return rows
    if not rows:
        raise CorpusError(f"{path}: holds no prediction; give one for each test clip, --template writes the table")
    _check_alike(path, rows)
    return rows


def _files(clips: Iterable[Utterance]) -> dict[str, str]:
    """Return the clips' names by the paths of their files, and by the files' names where these say which."""
    found, several = dict[str, str](), set[str]()
    for clip in clips:
        for key in (str(clip.file), clip.file.name):
            if found.setdefault(key, clip.name) != clip.name:
                several.add(key)
    return {key: name for key, name in found.items() if key not in several}


def _named(fields: dict[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """Name the clip of a row that names its file alone; a file that is unknown stays what names it."""
    file = fields.get(FILE)
    if UTTERANCE in fields or not isinstance(file, str) or not file:
        return fields
    return fields | {UTTERANCE: files.get(file) or files.get(Path(file).name) or file}


def _of(fields: Mapping[str, Any], partition: Partition) -> bool:
    return (fields.get("partition") or "test") == partition


def _check_alike(path: Path, rows: Sequence[ExternalRow]) -> None:
    """Hold all rows to give the same, and each clip once."""
    first, lines = rows[0], dict[str, int]()
    for row in rows:
        if row.utterance in lines:
            raise CorpusError(
                f"{path}: line {row.line}: {short(row.utterance)} stands in line {lines[row.utterance]}, too; "
                "give each clip once"
            )
        lines[row.utterance] = row.line
        if (row.numbers is None) != (first.numbers is None):
            raise CorpusError(
                f"{path}: line {row.line}: only one of this line and line {first.line} gives probabilities; give them "
                "for all clips or for none"
            )


def _objects(path: Path, text: str, target: Target) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            fields = parse_json(content)
        except ValueError as error:
            raise CorpusError(f"{path}: line {line}: no JSON ({error}); write one object in each line") from None
        if not isinstance(fields, dict):
            raise CorpusError(f"{path}: line {line}: no JSON object; write one in each line")
        yield line, _flat(f"{path}: line {line}", fields, target)


def _flat(where: str, fields: dict[str, Any], target: Target) -> dict[str, Any]:
    name = OBJECTS[target.kind]
    given = fields.pop(name, None)
    if given is None:
        return fields
    if not isinstance(given, dict):
        raise CorpusError(f"{where}: {name} must be an object, from name to number")
    return fields | {prefix(target) + own: value for own, value in given.items()}


def _records(path: Path, text: str, target: Target) -> Iterator[tuple[int, dict[str, Any]]]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=max(_SEPARATORS, key=first.count))
    try:
        head = _head(path, next(reader, []), target)
        for row in reader:
            if len(row) not in (0, len(head)):
                raise CorpusError(f"{path}: line {reader.line_num}: has {len(row)} cells, the header {len(head)}")
            if any(cell.strip() for cell in row):
                yield reader.line_num, {name: cell.strip() for name, cell in zip(head, row, strict=True)}
    except csv.Error as error:
        raise CorpusError(f"{path}: line {reader.line_num}: not a CSV file in UTF-8 ({error})") from error


def _head(path: Path, cells: Sequence[str], target: Target) -> list[str]:
    """Name the columns; those of numbers carry their prefix from here on."""
    reserved = {UTTERANCE, *GUESSES, *PASSED_OVER}
    head = [name.strip() for name in cells]
    head = [prefix(target) + name if name in target.names and name not in reserved else name for name in head]
    if twice := next((name for name in head if head.count(name) > 1), None):
        raise CorpusError(f"{path}: line 1: the column {twice!r} stands there twice; keep one")
    if UTTERANCE not in head and FILE not in head:
        raise CorpusError(f"{path}: line 1: no column is called 'utterance'; --template writes the table to fill in")
    return head
