"""The files of a run: ``RunFiles`` knows the name of each and has the one reader and the one writer of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.files import child, open_regular, read_bytes, sync, write_text
from emonet_bench.runs.facts import target_of
from emonet_bench.runs.history import Epoch, HistoryWriter, read_history
from emonet_bench.runs.predictions import PredictionTable, read_predictions, write_predictions
from emonet_bench.runs.record import LONGEST_RECORD, RunRecord, parse_record
from emonet_bench.runs.target_predictions import TargetPredictions, read_target_predictions, write_target_predictions
from emonet_bench.types import TargetKind

RECORD = "result.json"
"""The record in a run's directory."""

CHECKPOINT = "model.safetensors"
"""The weights in a run's directory."""

SHARED = "shared.safetensors"
"""What several corpora share, in the directory of their run."""

STATE = "state.safetensors"
"""The state of an unfinished training; see ``training.resume``."""

LOG = "log.txt"
"""What a cell logged, warned of and printed."""


class RunFiles:
    """The files in a run's directory.

    Attributes:
        directory: The directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def state(self) -> Path:
        """Where the state of an unfinished training lies."""
        return self.directory / STATE

    @property
    def shared(self) -> Path:
        """Where the weights lie that the corpora of a joint run share."""
        return self.directory / SHARED

    def checkpoint(self, corpus: str | None = None) -> Path:
        """Return where the weights lie, or those of one corpus of a joint run.

        >>> RunFiles(Path("run")).checkpoint("emodb").as_posix()
        'run/model-emodb.safetensors'
        """
        return self._of("model", corpus, ".safetensors")

    def onnx(self, corpus: str | None = None) -> Path:
        """Return where the exported model lies, or that of one corpus of a joint run."""
        return self._of("model", corpus, ".onnx")

    def predictions(self, corpus: str | None = None) -> Path:
        """Return where the predictions lie, or those on one corpus of a joint run."""
        return self._of("predictions", corpus, ".csv")

    def card(self, corpus: str | None = None) -> Path:
        """Return where the measured card of the exported model lies, or that of one corpus of a joint run."""
        return self._of("card", corpus, ".json")

    @property
    def history(self) -> Path:
        """Where the history of the training lies."""
        return self.directory / "history.csv"

    def is_run(self) -> bool:
        """Tell whether there is a record, readable or not."""
        return os.path.lexists(self.directory / RECORD)

    def read_record(self) -> RunRecord:
        """Read ``result.json``.

        Raises:
            StoreError: It is missing, or no record.
        """
        path = self.directory / RECORD
        try:
            return parse_record(read_bytes(path, LONGEST_RECORD), str(path))
        except OSError as error:
            raise StoreError(f"{self.directory}: not a run's directory ({path.name}: {error.strerror})") from error

    def write_record(self, record: RunRecord) -> None:
        """Write the record of a run whose other files are complete; they reach the disk before it does.

        From then on nothing of the run is lost or done twice, whatever happens.
        """
        for path in self.directory.iterdir():
            sync(path)
        write_text(self.directory / RECORD, record.text())

    def read_predictions(self, record: RunRecord, corpus: str) -> PredictionTable:
        """Read the predictions on a corpus.

        Args:
            record: The run's.
            corpus: One whose clips the run scored.

        Raises:
            StoreError: They are missing, damaged or of other labels than the record's.
        """
        return read_predictions(self.predictions(corpus if record.joint else None), record.facts(corpus).labels)

    def read_target_predictions(self, record: RunRecord, corpus: str) -> TargetPredictions:
        """Read the predictions on a corpus whose target is no label; see ``read_predictions``."""
        target = target_of(record.facts(corpus))
        path = self.predictions(corpus if record.joint else None)
        return read_target_predictions(path, target.kind, target.names)

    def write_predictions(
        self,
        labels: Sequence[str],
        rows: Iterable[Sequence[str]],
        corpus: str | None = None,
        kind: TargetKind = "label",
    ) -> None:
        """Write the predictions; see ``runs.predictions`` and, of other kinds of targets, ``target_predictions``."""
        if kind == "label":
            write_predictions(self.predictions(corpus), labels, rows)
        else:
            write_target_predictions(self.predictions(corpus), kind, labels, rows)

    def read_history(self) -> list[Epoch]:
        """Read the epochs that the training has behind it; none where nothing is written yet.

        Raises:
            StoreError: The file is damaged.
        """
        return read_history(self.history)

    def history_writer(self) -> HistoryWriter:
        """Return what writes the history, epoch by epoch."""
        return HistoryWriter(self.history)

    def hashes(self) -> dict[str, str]:
        """Hash (SHA-256) what the scores rest on, by file name: the predictions and the weights.

        Raises:
            StoreError: A file cannot be read.
        """
        files = sorted([*self.directory.glob("predictions*.csv"), *self.directory.glob("*.safetensors")])
        return {file.name: file_hash(file) for file in files if file.name != STATE and not file.is_dir()}

    def _of(self, kind: str, corpus: str | None, suffix: str) -> Path:
        name = f"{kind}{suffix}" if corpus is None else f"{kind}-{corpus}{suffix}"
        return child(self.directory, name, str(self.directory))


def file_hash(path: Path) -> str:
    """Hash (SHA-256) a checkpoint, given as its file or as the directory of a run, or any other file.

    Raises:
        StoreError: It cannot be read, or is no regular file.
    """
    try:
        file = path / CHECKPOINT if path.is_dir() else path
        with open_regular(file) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        where = error.filename or path
        raise StoreError(
            f"{where}: cannot be read ({error.strerror}); give a run's directory or its {CHECKPOINT}"
        ) from error
