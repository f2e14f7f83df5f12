"""Utterance tables: CSV files that say which file holds which label, EmoNet's own among them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.types import PARTITIONS, Corpus, Partition, SplitRule, Utterance, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UTTERANCES = "utterances.csv"
TABLES: Mapping[Partition, tuple[str, ...]] = {
    "train": ("train.csv",),
    "dev": ("devel.csv", "dev.csv", "val.csv"),
    "test": ("test.csv",),
}
"""The names under which a folder holds its partitions; the first that is there is taken."""

_COLUMNS = {"file", "label", "speaker", "text", "session", "partition", "start", "end"}
_OWN = SplitRule()


def read_table(path: Path, data_path: Path) -> list[Utterance]:
    """Read one table.

    The first row names the columns. ``file`` (else the first column) is relative to the data path, ``label`` (else the
    last) is any text. ``speaker``, ``text``, ``session``, ``partition``, ``start`` and ``end`` (seconds) are read where
    they stand; other columns are left alone.

    Args:
        path: A CSV file in UTF-8.
        data_path: The directory that files are relative to.

    Raises:
        ConfigError: The table cannot be read.
        CorpusError: One line that names the table and the row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = _columns(path, next(reader, []))
            utterances = [
                _utterance(f"{path}: line {reader.line_num}", row, columns, data_path) for row in reader if any(row)
            ]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    if not utterances:
        raise CorpusError(f"{path}: holds no row below its header; list one file and label in each")
    return utterances


def read_tables(name: str, data_path: Path, tables: Mapping[Partition, Path]) -> Corpus:
    """Make a corpus of one table for each partition; its protocol ``own`` keeps them.

    Args:
        name: The corpus's name.
        data_path: The directory that files are relative to.
        tables: The table of each partition.

    Returns:
        A corpus whose labels are the sorted union over all tables.

    Raises:
        ConfigError: A table cannot be read.
        CorpusError: A row is wrong, or an utterance stands in two partitions.
    """
    utterances = [
        replace(utterance, partition=partition)
        for partition, path in tables.items()
        for utterance in read_table(path, data_path)
    ]
    return _corpus(name, utterances, {"own": _OWN}, names(tables.values()))


def read_directory(name: str, data_path: Path, folder: Path) -> Corpus:
    """Make a corpus of a folder's tables: ``train.csv``, ``devel.csv`` (or ``val.csv``) and ``test.csv``.

    A folder may hold a single ``utterances.csv`` instead. Its column ``partition`` makes the protocol ``own``; without
    it the column ``speaker`` makes ``folds5``, group k-fold over speakers, and ``loso``, leave-one-speaker-out.

    Args:
        name: The corpus's name.
        data_path: The directory that files are relative to.
        folder: The directory with the tables.

    Raises:
        ConfigError: A table is missing or cannot be read.
        CorpusError: A row is wrong, or an utterance stands twice.
    """
    if (folder / UTTERANCES).is_file():
        utterances = read_table(folder / UTTERANCES, data_path)
        return _corpus(name, utterances, _protocols(folder / UTTERANCES, utterances), str(folder / UTTERANCES))
    return read_tables(name, data_path, {partition: _find(folder, partition) for partition in PARTITIONS})


def holds_tables(folder: Path) -> bool:
    """Tell whether ``read_directory`` finds its tables in a folder."""
    complete = all(any((folder / name).is_file() for name in options) for options in TABLES.values())
    return complete or (folder / UTTERANCES).is_file()


def _find(folder: Path, partition: Partition) -> Path:
    for name in TABLES[partition]:
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"{folder}: no table for {partition}; put {' or '.join(TABLES[partition])} there")


def _corpus(name: str, utterances: Sequence[Utterance], protocols: Mapping[str, SplitRule], source: str) -> Corpus:
    seen: dict[str, Utterance] = {}
    for utterance in utterances:
        if utterance.name in seen:
            places = [u.partition or "the table" for u in (seen[utterance.name], utterance)]
            raise CorpusError(
                f"{source}: {utterance.name} stands in {places[0]} and again in {places[1]}; list it once"
            )
        seen[utterance.name] = utterance
    labels = tuple(sorted({utterance.label for utterance in utterances}))
    if len(labels) < 2:  # noqa: PLR2004
        raise CorpusError(f"{source}: has the one label {labels[0]!r}; needs at least two")
    return Corpus(name, labels, partial(list, utterances), protocols, title=name, clips=len(utterances), ordered=False)


def _protocols(path: Path, utterances: Sequence[Utterance]) -> Mapping[str, SplitRule]:
    if all(utterance.partition for utterance in utterances):
        return {"own": _OWN}
    if all(utterance.speaker for utterance in utterances):
        return {"folds5": SplitRule(folds=5), "loso": SplitRule(folds="each")}
    raise CorpusError(f"{path}: every row needs a partition (train, dev or test), or every row a speaker")


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    columns = {title.strip(): place for place, title in enumerate(header) if title.strip() in _COLUMNS}
    columns.setdefault("file", 0)
    columns.setdefault("label", len(header) - 1)
    if len(header) < 2 or columns["file"] == columns["label"]:  # noqa: PLR2004 - file and label
        raise CorpusError(f"{path}: line 1: needs a header with at least two columns, such as file,label")
    return columns


def _utterance(where: str, row: list[str], columns: Mapping[str, int], data_path: Path) -> Utterance:
    cells = dict(_cells(where, row, columns))
    if not cells["file"] or not cells["label"]:
        raise CorpusError(f"{where}: file and label must not be empty")
    start, end = (_seconds(where, key, cells.get(key)) for key in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise CorpusError(f"{where}: end ({end} s) must lie after start ({start or 0.0} s)")
    stretch = "" if start is None and end is None else f"#{start or 0.0}-{'' if end is None else end}"
    return Utterance(
        name=cells["file"] + stretch,
        file=data_path / cells["file"],
        label=cells["label"],
        speaker=cells.get("speaker"),
        text=cells.get("text"),
        session=cells.get("session"),
        start=start or 0.0,
        end=end,
        partition=_partition(where, cells.get("partition")),
    )


def _cells(where: str, row: list[str], columns: Mapping[str, int]) -> Iterator[tuple[str, str | None]]:
    for title, place in columns.items():
        if place >= len(row):
            raise CorpusError(f"{where}: has {len(row)} cells and no {title}")
        yield title, row[place].strip() or None


def _seconds(where: str, title: str, cell: str | None) -> float | None:
    if cell is None:
        return None
    try:
        seconds = float(cell)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise CorpusError(f"{where}: {title} must be seconds from 0; got {cell!r}")
    return seconds


def _partition(where: str, cell: str | None) -> Partition | None:
    for partition in PARTITIONS:
        if cell == partition:
            return partition
    if cell is None:
        return None
    raise CorpusError(f"{where}: partition must be train, dev or test; got {cell!r}")
