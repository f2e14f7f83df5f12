"""The history of a training: one ``Epoch`` for each line of ``history.csv``."""

from __future__ import annotations

import csv
import logging
import math
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.files import read_bytes, write_text

_LARGEST = 16 * 2**20  # bytes of a file that is read: more than 200 000 epochs
_MOST = 10**9  # epochs
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Epoch:
    """One epoch in numbers.

    Attributes:
        epoch: Counted from 1.
        loss: Mean training loss.
        dev_uar: UAR on dev, the mean over corpora.
        learning_rate: Of its last step.
        seconds: Wall-clock time, evaluation included.
    """

    epoch: int
    loss: float
    dev_uar: float
    learning_rate: float
    seconds: float


COLUMNS = [field.name for field in fields(Epoch)]


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
        write_text(self.path, "\n".join([",".join(COLUMNS), *map(_line, self._rows.values()), ""]))


def _line(row: Epoch) -> str:
    return f"{row.epoch},{row.loss:.6f},{row.dev_uar:.6f},{row.learning_rate:.3e},{row.seconds:.3f}"


def read_history(path: Path) -> list[Epoch]:
    """Read the epochs that a training has behind it; none where nothing is written yet.

    Raises:
        StoreError: The file is damaged.
    """
    try:
        text = read_bytes(path, _LARGEST).decode()
        head, *lines = list(csv.reader(text.splitlines())) or [COLUMNS]
        if head != COLUMNS:
            raise StoreError(f"{path}: damaged (its columns are not {', '.join(COLUMNS)})")
        return [_epoch(line) for line in lines]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, OverflowError, csv.Error) as error:
        raise StoreError(f"{path}: damaged ({error})") from error


def _epoch(line: list[str]) -> Epoch:
    number, *values = line
    row = Epoch(int(number), *map(float, values))
    if not 1 <= row.epoch <= _MOST or not all(map(math.isfinite, astuple(row))):
        raise ValueError(f"epoch {number[:20]}: a value that is no number")
    return row
