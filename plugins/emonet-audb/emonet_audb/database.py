"""Reading a database: its tables become utterances."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import audb
import audformat
import pandas as pd

from emonet_audb.entry import Entry
from emonet_bench.errors import CorpusError
from emonet_bench.types import Partition, Utterance


def load(name: str, entry: Entry) -> list[Utterance]:
    """Load a corpus; audb downloads what its cache lacks.

    Raises:
        CorpusError: The database, a table or a column is not there.
    """
    try:
        database: Any = audb.load(entry.database, version=entry.version, full_path=False, verbose=False)
    except Exception as error:  # whatever a backend raises: the remedy is the same
        raise CorpusError(
            f"corpus {name}: audb cannot load {entry.database} {entry.version} ({' '.join(str(error).split())}); "
            "check name, version and audb's repositories"
        ) from error
    utterances = [
        utterance for part, table in entry.places for utterance in _utterances(name, entry, database, table, part)
    ]
    if not utterances:
        raise CorpusError(f"corpus {name}: no row of its tables has one of its labels; check labels and column")
    return sorted(utterances, key=lambda utterance: utterance.name)


def _utterances(name: str, entry: Entry, database: Any, table: str, partition: Partition | None) -> Iterator[Utterance]:
    labels = _column(name, database, table, entry.column).dropna()
    speakers = None
    if entry.speaker is not None:
        speakers = _column(name, database, *entry.speaker.rpartition(".")[::2])
    segments = audformat.utils.to_segmented_index(labels.index)
    for (file, start, end), label in zip(segments, labels, strict=True):
        if label in entry.labels:
            yield Utterance(
                file + _stretch(start, end),
                Path(database.root) / file,
                str(label),
                speaker=None if speakers is None else _of_file(speakers, file),
                start=start.total_seconds(),
                end=None if pd.isna(end) else end.total_seconds(),
                partition=partition,
            )


def _column(name: str, database: Any, table: str, column: str) -> Any:
    if table not in database or column not in database[table].columns:
        raise CorpusError(f"corpus {name}: the database has no column {column!r} in a table {table!r}; check audb.toml")
    return database[table][column].get()


def _of_file(speakers: Any, file: str) -> str | None:
    """Return the speaker of a file, from a table of files or of segments."""
    found = speakers[speakers.index.get_level_values("file") == file].dropna()
    return str(found.iloc[0]) if len(found) else None


def _stretch(start: pd.Timedelta, end: pd.Timedelta) -> str:
    """Tell apart the utterances of one file.

    >>> _stretch(pd.Timedelta(0), pd.NaT), _stretch(pd.Timedelta("1s"), pd.Timedelta("2.5s"))
    ('', '#1.0-2.5')
    """
    if start == pd.Timedelta(0) and pd.isna(end):
        return ""
    return f"#{start.total_seconds()}-{'' if pd.isna(end) else end.total_seconds()}"
