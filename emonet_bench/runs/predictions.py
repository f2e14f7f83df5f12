"""The predictions of a run: one clip for each line of ``predictions.csv``, with the probability of each label.

Columns of probabilities carry a prefix, so that a label may be called ``speaker`` or ``truth``. Tables of schema 1 had
none; as the first columns are always the same, both are read by place.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.files import read_bytes, write_text
from emonet_bench.types import PARTITIONS

PREFIX = "probability:"
"""Before a label, the name of the column with its probability."""

COLUMNS = ("utterance", "partition", "speaker", "truth", "prediction")
"""What stands before the probabilities."""

_LARGEST = 256 * 2**20  # bytes of a file that is read
_UTTERANCE, _PARTITION, _SPEAKER, _TRUTH, _PREDICTION = range(len(COLUMNS))


@dataclass(frozen=True)
class PredictionTable:
    """Predictions as they stand in a file, or those of one partition.

    Attributes:
        file: Where they stand.
        labels: Of the columns with probabilities, in order.
        rows: The fields of each line.
    """

    file: Path
    labels: Sequence[str]
    rows: Sequence[Sequence[str]]

    def part(self, partition: str) -> PredictionTable:
        """Return those of a partition."""
        rows = [row for row in self.rows if row[_PARTITION] == partition]
        return PredictionTable(self.file, self.labels, rows)

    @property
    def utterances(self) -> list[str]:
        """Names of the clips."""
        return self._column(_UTTERANCE)

    @property
    def speakers(self) -> list[str | None]:
        """Who speaks, where that is known."""
        return [name or None for name in self._column(_SPEAKER)]

    @property
    def truth(self) -> list[str]:
        """The label of each clip."""
        return self._column(_TRUTH)

    @property
    def prediction(self) -> list[str]:
        """The label that was predicted."""
        return self._column(_PREDICTION)

    def probabilities(self) -> list[list[float]]:
        """Return the probabilities, (N, labels).

        Raises:
            StoreError: One is no probability.
        """
        return [[self._number(text) for text in row[len(COLUMNS) :]] for row in self.rows]

    def confidence(self) -> list[float]:
        """Return the probability of each prediction, (N,).

        Raises:
            StoreError: It is no probability.
        """
        place = {label: len(COLUMNS) + index for index, label in enumerate(self.labels)}
        return [self._number(row[place[row[_PREDICTION]]]) for row in self.rows]

    def _column(self, place: int) -> list[str]:
        return list(map(itemgetter(place), self.rows))

    def _number(self, text: str) -> float:
        try:
            if 0 <= (value := float(text)) <= 1:
                return value
        except ValueError:
            pass
        raise StoreError(f"{self.file}: damaged ({text[:20]!r} is no probability)")


def write_predictions(path: Path, labels: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write ``predictions.csv``.

    Args:
        path: Where.
        labels: In declared order.
        rows: For each clip the five columns before the probabilities, then a probability for each label.
    """
    write_rows(path, [*COLUMNS, *(f"{PREFIX}{label}" for label in labels)], rows)


def read_predictions(path: Path, labels: Sequence[str]) -> PredictionTable:
    """Read ``predictions.csv``.

    Args:
        path: The file.
        labels: Those that its run declares.

    Raises:
        StoreError: It is missing, damaged or speaks of other labels or partitions.
    """
    head, rows = read_rows(path)
    if tuple(head[: len(COLUMNS)]) != COLUMNS:
        raise StoreError(f"{path}: damaged or missing (the first columns are not {', '.join(COLUMNS)})")
    named = head[len(COLUMNS) :]
    if all(name.startswith(PREFIX) for name in named) and named != list(labels):
        named = [name.removeprefix(PREFIX) for name in named]
    if sorted(named) != sorted(labels):
        raise StoreError(f"{path}: damaged or missing (its columns are not the run's labels)")
    table = PredictionTable(path, named, rows)
    if strange := {*table.truth, *table.prediction} - set(named):
        raise StoreError(f"{path}: undeclared label {min(strange)!r}")
    if strange := set(map(itemgetter(_PARTITION), rows)) - set(PARTITIONS):
        raise StoreError(f"{path}: unknown partition {min(strange)!r}")
    return table


def write_rows(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table: a line with the names of its columns, then its rows."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(head)
    writer.writerows(rows)
    write_text(path, stream.getvalue())


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read a table: the names of its columns, and its rows, each as wide and of another clip or partition.

    Raises:
        StoreError: It is missing or damaged.
    """
    try:
        reader = csv.reader(io.StringIO(read_bytes(path, _LARGEST).decode(), newline=""), strict=True)
        head = next(reader, [])
        rows = list(reader)
    except OSError as error:
        raise StoreError(f"{path}: damaged or missing ({error.strerror})") from error
    except (ValueError, csv.Error) as error:
        raise StoreError(f"{path}: damaged or missing ({error})") from error
    if any(len(row) != len(head) for row in rows):
        raise StoreError(f"{path}: damaged or missing (a line has not {len(head)} fields)")
    counted = Counter(tuple(row[: _PARTITION + 1]) for row in rows)  # one that stands twice would weigh twice
    if counted and (most := counted.most_common(1)[0])[1] > 1:
        raise StoreError(f"{path}: damaged ({' on '.join(most[0])} stands in it {most[1]} times)")
    return head, rows
