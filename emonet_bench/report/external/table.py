"""Tables of external predictions: CSV or JSON lines, a clip in each, with its label or the labels' probabilities."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from emonet_bench.config import did_you_mean
from emonet_bench.data.text_files import read_text
from emonet_bench.errors import CorpusError
from emonet_bench.runs.facts import parse_json
from emonet_bench.runs.predictions import COLUMNS, PREFIX
from emonet_bench.types import names

Gives = Literal["labels", "probabilities"]

UTTERANCE = "utterance"
GUESSES = ("label", "prediction")
"""The names that the column of predicted labels may have."""

PASSED_OVER = frozenset({*COLUMNS, "fold", "file", "start", "end"} - {UTTERANCE, *GUESSES})
"""Columns that are left alone; where ``partition`` stands, rows of another than test are, too."""

_SEPARATORS = (",", ";", "\t")
_ROUNDING = 1e-5  # of a probability: tables have six digits
_SUM = 1e-3  # how far a row's sum may be from 1
_LONGEST = 80  # characters of a wrong value in a message


@dataclass(frozen=True)
class ExternalRow:
    """The prediction of one clip.

    Attributes:
        line: Where it stands in its file.
        utterance: Which clip.
        label: The predicted label.
        probabilities: Of each label, in declared order; None where the file gives labels only.
    """

    line: int
    utterance: str
    label: str
    probabilities: tuple[float, ...] | None


def read_external(path: Path, labels: Sequence[str]) -> list[ExternalRow]:
    """Read a table of predictions.

    CSV has a column ``utterance`` and ``label`` (or ``prediction``), or a column for each label, called as it or
    ``probability:LABEL``; or both. A run's ``predictions.csv`` is such a table. A line of JSON has ``utterance`` and
    ``label`` or ``probabilities``, an object. Without a label the most probable one is taken.

    Args:
        path: The file, in UTF-8.
        labels: The corpus's, in declared order.

    Raises:
        ConfigError: It is no regular file.
        CorpusError: One line that names the row and what is wrong with it.
    """
    try:
        text = read_text(path)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    found = _objects(path, text) if text.lstrip().startswith("{") else _records(path, text, labels)
    rows = [_row(f"{path}: line {line}", line, fields, labels) for line, fields in found if _tested(fields)]
    if not rows:
        raise CorpusError(f"{path}: holds no prediction; give one for each test clip, --template writes the table")
    _check_alike(path, rows)
    return rows


def _tested(fields: Mapping[str, Any]) -> bool:
    return fields.get("partition") in (None, "", "test")


def _check_alike(path: Path, rows: Sequence[ExternalRow]) -> None:
    """Hold all rows to give the same, and each clip once."""
    first, lines = rows[0], dict[str, int]()
    for row in rows:
        if row.utterance in lines:
            raise CorpusError(
                f"{path}: line {row.line}: {_short(row.utterance)} stands in line {lines[row.utterance]}, too; "
                "give each clip once"
            )
        lines[row.utterance] = row.line
        if (row.probabilities is None) != (first.probabilities is None):
            raise CorpusError(
                f"{path}: line {row.line}: only one of this line and line {first.line} gives probabilities; give them "
                "for all clips or for none"
            )


def _objects(path: Path, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        try:
            fields = parse_json(content)
        except ValueError as error:
            raise CorpusError(f"{path}: line {line}: no JSON ({error}); write one object in each line") from None
        if not isinstance(fields, dict):
            raise CorpusError(f"{path}: line {line}: no JSON object; write one in each line")
        yield line, _flat(f"{path}: line {line}", fields)


def _flat(where: str, fields: dict[str, Any]) -> dict[str, Any]:
    given = fields.pop("probabilities", None)
    if given is None:
        return fields
    if not isinstance(given, dict):
        raise CorpusError(f"{where}: probabilities must be an object, from label to number")
    return fields | {PREFIX + label: value for label, value in given.items()}


def _records(path: Path, text: str, labels: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=max(_SEPARATORS, key=first.count))
    try:
        head = _head(path, next(reader, []), labels)
        for row in reader:
            if len(row) not in (0, len(head)):
                raise CorpusError(f"{path}: line {reader.line_num}: has {len(row)} cells, the header {len(head)}")
            if any(cell.strip() for cell in row):
                yield reader.line_num, {name: cell.strip() for name, cell in zip(head, row, strict=True)}
    except csv.Error as error:
        raise CorpusError(f"{path}: line {reader.line_num}: not a CSV file in UTF-8 ({error})") from error


def _head(path: Path, cells: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Name the columns; those of probabilities carry their prefix from here on."""
    reserved = {UTTERANCE, *GUESSES, *PASSED_OVER}
    head = [name.strip() for name in cells]
    head = [PREFIX + name if name in labels and name not in reserved else name for name in head]
    if twice := next((name for name in head if head.count(name) > 1), None):
        raise CorpusError(f"{path}: line 1: the column {twice!r} stands there twice; keep one")
    if UTTERANCE not in head:
        raise CorpusError(f"{path}: line 1: no column is called 'utterance'; --template writes the table to fill in")
    return head


def _row(where: str, line: int, fields: Mapping[str, Any], labels: Sequence[str]) -> ExternalRow:
    utterance = fields.get(UTTERANCE)
    if not isinstance(utterance, str) or not utterance:
        raise CorpusError(f"{where}: no utterance; name the clip")
    _check_names(where, fields, labels)
    probabilities = _probabilities(where, fields, labels)
    guess = _guess(where, fields, labels)
    if guess is None and probabilities is None:
        raise CorpusError(f"{where}: {_short(utterance)} has neither a label nor probabilities; fill one in")
    if probabilities is None:
        assert guess is not None
        return ExternalRow(line, utterance, guess, None)
    likeliest = max(range(len(labels)), key=probabilities.__getitem__)  # of equals the first, as torch's argmax
    if guess is not None and probabilities[labels.index(guess)] < probabilities[likeliest] - _ROUNDING:
        raise CorpusError(
            f"{where}: the label {guess!r} is not the most probable, {labels[likeliest]!r} is; leave the labels out"
        )
    return ExternalRow(line, utterance, labels[likeliest] if guess is None else guess, probabilities)


def _check_names(where: str, fields: Mapping[str, Any], labels: Sequence[str]) -> None:
    known = {UTTERANCE, *GUESSES, *PASSED_OVER, *(PREFIX + label for label in labels)}
    if strange := next((name for name in fields if name not in known), None):
        what = strange.removeprefix(PREFIX)
        hint = did_you_mean(what, {*labels, UTTERANCE, *GUESSES})
        raise CorpusError(f"{where}: {_short(what)!r} is neither a label of the corpus nor a known column{hint}")


def _guess(where: str, fields: Mapping[str, Any], labels: Sequence[str]) -> str | None:
    given = [fields[name] for name in GUESSES if fields.get(name) not in (None, "")]
    if len(given) > 1:
        raise CorpusError(f"{where}: both {names(GUESSES)} are given; keep the one with the predicted labels")
    if not given:
        return None
    if given[0] not in labels:
        raise CorpusError(f"{where}: {_short(str(given[0]))!r} is not a label{did_you_mean(given[0], labels)}")
    return str(given[0])


def _probabilities(where: str, fields: Mapping[str, Any], labels: Sequence[str]) -> tuple[float, ...] | None:
    given = {label: fields[PREFIX + label] for label in labels if fields.get(PREFIX + label) not in (None, "")}
    if not given:
        return None
    if missing := [label for label in labels if label not in given]:
        raise CorpusError(f"{where}: no probability of {names(missing)}; give all {len(labels)}, or a label alone")
    values = tuple(_number(f"{where}: {label}", value) for label, value in given.items())
    if abs(math.fsum(values) - 1) > _SUM:
        raise CorpusError(f"{where}: the probabilities sum to {math.fsum(values):.6g}, not to 1; give softmax's")
    return values


def _number(where: str, value: Any) -> float:
    """Read a probability, to the six digits that a run's predictions are written with."""
    try:
        if 0 <= (number := float(f"{float(value):.6g}")) <= 1:  # which is false of NaN
            return number
    except (TypeError, ValueError):
        pass
    raise CorpusError(f"{where}: {_short(str(value))!r} is no probability; give a number from 0 to 1")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
