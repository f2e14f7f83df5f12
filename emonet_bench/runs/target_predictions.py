"""The predictions of a run whose target is no label: the truth and the prediction of each name beside each other.

Columns are ``utterance``, ``partition`` and ``speaker``, then ``truth:NAME`` for each label or attribute, then what is
predicted of it: ``probability:NAME`` of votes, ``score:NAME`` of a label set, ``value:NAME`` of values. Numbers are
written so that they are read back to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.runs.predictions import read_rows, write_rows
from emonet_bench.types import PARTITIONS, TargetKind

COLUMNS = ("utterance", "partition", "speaker")
"""What stands before the truth."""

TRUTH = "truth:"
PREFIXES: Mapping[TargetKind, str] = {"votes": "probability:", "label-set": "score:", "values": "value:"}
"""Before a name, the column with what is predicted of it."""


@dataclass(frozen=True)
class TargetPredictions:
    """Predictions as they stand in a file, or those of one partition.

    Attributes:
        file: Where they stand.
        names: The K labels or attributes, in order.
        utterances: (N,) names of the clips.
        partitions: (N,) their partitions.
        speakers: (N,) who speaks, where that is known.
        truth: (N, K).
        predicted: (N, K).
    """

    file: Path
    names: tuple[str, ...]
    utterances: tuple[str, ...]
    partitions: tuple[str, ...]
    speakers: tuple[str | None, ...]
    truth: tuple[tuple[float, ...], ...]
    predicted: tuple[tuple[float, ...], ...]

    def part(self, partition: str) -> TargetPredictions:
        """Return those of a partition."""
        kept = [index for index, own in enumerate(self.partitions) if own == partition]
        columns = (self.utterances, self.partitions, self.speakers, self.truth, self.predicted)
        return TargetPredictions(self.file, self.names, *(tuple(each[i] for i in kept) for each in columns))  # type: ignore[arg-type]


def write_target_predictions(path: Path, kind: TargetKind, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write ``predictions.csv``.

    Args:
        path: Where.
        kind: The kind of target; not ``label``.
        names: Its K labels or attributes.
        rows: For each clip the three columns before the truth, then K numbers of truth and K of prediction.
    """
    write_rows(path, _head(kind, names), rows)


def read_target_predictions(path: Path, kind: TargetKind, names: Sequence[str]) -> TargetPredictions:
    """Read ``predictions.csv``.

    Args:
        path: The file.
        kind: The kind of target that its run declares; not ``label``.
        names: Its labels or attributes.

    Raises:
        StoreError: It is missing, damaged, or of another target.
    """
    head, rows = read_rows(path)
    if head != _head(kind, names):
        raise StoreError(f"{path}: damaged or missing (its columns are not those of the run's target, {kind})")
    start, middle = len(COLUMNS), len(COLUMNS) + len(names)
    utterances, partitions, speakers = (tuple(row[place] for row in rows) for place in range(start))
    if strange := set(partitions) - set(PARTITIONS):
        raise StoreError(f"{path}: unknown partition {min(strange)!r}")
    return TargetPredictions(
        path,
        tuple(names),
        utterances,
        partitions,
        tuple(speaker or None for speaker in speakers),
        tuple(_numbers(path, row[start:middle]) for row in rows),
        tuple(_numbers(path, row[middle:]) for row in rows),
    )


def _head(kind: TargetKind, names: Sequence[str]) -> list[str]:
    return [*COLUMNS, *(f"{TRUTH}{name}" for name in names), *(f"{PREFIXES[kind]}{name}" for name in names)]


def _numbers(path: Path, cells: Sequence[str]) -> tuple[float, ...]:
    try:
        numbers = tuple(map(float, cells))
    except ValueError:
        numbers = (math.nan,)
    if not all(map(math.isfinite, numbers)):
        raise StoreError(f"{path}: damaged (a number in {', '.join(cells)[:60]!r} is none)")
    return numbers
