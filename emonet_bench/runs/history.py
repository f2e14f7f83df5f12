"""The history of a training: one ``Epoch`` for each line of ``history.csv``."""

from __future__ import annotations

import csv
import io
import logging
import math
from dataclasses import dataclass
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.files import read_bytes, write_text

_LARGEST = 16 * 2**20  # bytes of a file that is read: more than 200 000 epochs
_SCORE = 2  # the place of the score on dev
_MOST = 10**9  # epochs
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Epoch:
    """One epoch in numbers.

    Attributes:
        epoch: Counted from 1.
        loss: Mean training loss.
        dev_score: What selects on dev, the mean over corpora.
        learning_rate: Of its last step.
        seconds: Wall-clock time, evaluation included.
        selection: The metric that selects on dev, by name.
    """

    epoch: int
    loss: float
    dev_score: float
    learning_rate: float
    seconds: float
    selection: str = "uar"

    @property
    def scores(self) -> dict[str, float]:
        """Its numbers by name, the score on dev under that of its metric: ``dev_uar``."""
        own = {"loss": self.loss, f"{_DEV}{self.selection}": self.dev_score}
        return own | {"learning_rate": self.learning_rate, "seconds": self.seconds}


_DEV = "dev_"


COLUMNS = ["epoch", *Epoch(1, 0.0, 0.0, 0.0, 0.0).scores]


class HistoryWriter:
    """Writes ``history.csv``, whole after each epoch, so that another process can follow it.

    Args:
        path: Its path; rows that an interrupted training has left there are kept, unless they are damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._rows = {row.epoch: row for row in read_history(path)}
        except StoreError as error:
            _log.warning("%s; it is begun anew", error)
            self._rows = {}

    def write(self, epoch: Epoch) -> None:
        """Add one epoch; what an interrupted training has written of it and of later ones is dropped."""
        self._rows = {number: row for number, row in self._rows.items() if number < epoch.epoch}
        self._rows[epoch.epoch] = epoch
        write_text(self.path, "\n".join([_quoted(_head(epoch)), *map(_line, self._rows.values()), ""]))


def _head(row: Epoch) -> list[str]:
    return ["epoch", *row.scores]


def _quoted(names: list[str]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="").writerow(names)  # a label may hold a comma
    return stream.getvalue()


def _line(row: Epoch) -> str:
    return f"{row.epoch},{row.loss:.6f},{row.dev_score:.6f},{row.learning_rate:.3e},{row.seconds:.3f}"


def read_history(path: Path) -> list[Epoch]:
    """Read the epochs that a training has behind it; none where nothing is written yet.

    Raises:
        StoreError: The file is damaged.
    """
    try:
        text = read_bytes(path, _LARGEST).decode()
        head, *lines = list(csv.reader(text.splitlines())) or [COLUMNS]
        if len(head) != len(COLUMNS) or not head[_SCORE].startswith(_DEV):
            raise StoreError(f"{path}: damaged (its columns are not {', '.join(COLUMNS)})")
        selection = head[_SCORE].removeprefix(_DEV)
        if head != _head(Epoch(1, 0.0, 0.0, 0.0, 0.0, selection)):
            raise StoreError(f"{path}: damaged (its columns are not {', '.join(COLUMNS)})")
        return [_epoch(line, selection) for line in lines]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, OverflowError, csv.Error) as error:
        raise StoreError(f"{path}: damaged ({error})") from error


def _epoch(line: list[str], selection: str) -> Epoch:
    number, *values = line
    loss, score, rate, seconds = map(float, values)
    row = Epoch(int(number), loss, score, rate, seconds, selection)
    if not 1 <= row.epoch <= _MOST or not all(map(math.isfinite, row.scores.values())):
        raise ValueError(f"epoch {number[:20]}: a value that is no number")
    return row
