"""Utterance tables: CSV files that say which file holds which label, EmoNet's own among them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from emonet_bench.data.demographics import known
from emonet_bench.data.table_columns import DEMOGRAPHICS, columns, separator
from emonet_bench.data.table_names import portable, source
from emonet_bench.data.target_columns import TargetColumns, target_columns
from emonet_bench.data.targets import has_target, target_vector
from emonet_bench.data.text_files import read_text
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.types import PARTITIONS, Corpus, Partition, SplitRule, Target, Utterance, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UTTERANCES = "utterances.csv"
TABLES: Mapping[Partition, tuple[str, ...]] = {
    "train": ("train.csv",),
    "dev": ("devel.csv", "dev.csv", "val.csv"),
    "test": ("test.csv",),
}
"""The names under which a folder holds its partitions; the first that is there is taken."""

_OWN = SplitRule()
_FOLDS = 5


def read_table(path: Path, data_path: Path) -> list[Utterance]:
    """Read one table.

    The first row names the columns, see ``table_columns``: ``file``, relative to the data path or absolute, or a member
    of an archive, see ``table_names``; and ``label``, any text. ``speaker``, ``text``, ``session``, ``partition``,
    ``start`` and ``end`` (seconds), ``gender``, ``age`` and ``language`` are read where they stand, and so are targets,
    see ``target_columns``, beside which a label may be missing; other columns are left alone. Columns are separated by
    commas, semicolons or tabs.

    An utterance's name is what the table says of its file; of an absolute path what follows the data path, or else the
    folder that all such files have in common, so that names are the same on every machine.

    Args:
        path: A CSV file in UTF-8, or in UTF-16 with a byte-order mark.
        data_path: The directory that files are relative to.

    Raises:
        ConfigError: The table cannot be read.
        CorpusError: One line that names the table and the row.
    """
    return portable(_read(path, data_path).utterances, data_path)


class _Table(NamedTuple):
    """A table, read; names are as it has them."""

    utterances: list[Utterance]
    targets: tuple[Target, ...]


def _read(path: Path, data_path: Path) -> _Table:
    try:
        text = read_text(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if "\0" in text:
        raise CorpusError(f"{path}: not a CSV file in UTF-8 (it holds zero bytes); save it as CSV UTF-8")
    try:
        lines = io.StringIO(text, newline="")
        reader = csv.reader(lines, strict=True, delimiter=separator(text.partition("\n")[0]))
        header = next(reader, [])
        targets = target_columns(f"{path}: line 1", header)
        places = columns(f"{path}: line 1", header, [place for target in targets for place in target.places])
        utterances = [
            _utterance(f"{path}: line {reader.line_num}", row, places, targets, data_path) for row in reader if any(row)
        ]
    except csv.Error as error:
        raise CorpusError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    if not utterances:
        raise CorpusError(f"{path}: holds no row below its header; list one file and label in each")
    return _Table(utterances, tuple(columns.target for columns in targets))


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
    read = {partition: _read(path, data_path) for partition, path in tables.items()}
    utterances = [
        replace(utterance, partition=partition) for partition, table in read.items() for utterance in table.utterances
    ]
    targets = {table.targets for table in read.values()}
    if len(targets) > 1:
        raise CorpusError(f"{names(tables.values())}: have different columns of targets; give all of them the same")
    whole = _Table(portable(utterances, data_path), *targets)
    return _corpus(name, whole, {"own": _OWN}, names(tables.values()))


def read_directory(name: str, data_path: Path, folder: Path) -> Corpus:
    """Make a corpus of a folder's tables: ``train.csv``, ``devel.csv`` (or ``val.csv``) and ``test.csv``.

    A folder may hold a single ``utterances.csv`` instead. Its column ``partition`` makes the protocol ``own``; without
    it the column ``speaker`` makes ``folds5``, group k-fold over speakers, and ``loso``, leave-one-speaker-out; where
    there are fewer than five speakers, ``loso`` alone. Each stands once for the label and once for every other target:
    ``own-votes``, ``own-labels``, ``own-values``.

    Args:
        name: The corpus's name.
        data_path: The directory that files are relative to.
        folder: The directory with the tables.

    Raises:
        ConfigError: A table is missing or cannot be read.
        CorpusError: A row is wrong, or an utterance stands twice.
    """
    if (folder / UTTERANCES).is_file():
        table = _read(folder / UTTERANCES, data_path)
        table = table._replace(utterances=portable(table.utterances, data_path))
        return _corpus(name, table, _protocols(folder / UTTERANCES, table.utterances), str(folder / UTTERANCES))
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


def _corpus(name: str, table: _Table, protocols: Mapping[str, SplitRule], source: str) -> Corpus:
    utterances, targets = table
    _check_twice(utterances, source)
    labels = tuple(sorted({utterance.label for utterance in utterances if utterance.label is not None}))
    if len(labels) < 2 and not (targets and not labels):  # noqa: PLR2004
        raise CorpusError(f"{source}: has the one label {labels[0]!r}; needs at least two")
    for target in targets:
        _check_target(target, utterances, source)
    facts = {"folds": f"fewer than {_FOLDS} speakers: each is tested in turn"} if list(protocols) == ["loso"] else {}
    rules = dict(protocols) if labels else {}
    rules |= {f"{key}-{one.name}": replace(rule, target=one.name) for one in targets for key, rule in protocols.items()}
    described: dict[str, Any] = {"title": name, "clips": len(utterances), "facts": facts, "targets": targets}
    return Corpus(name, labels, partial(list, utterances), rules, **described, ordered=False)


def _check_twice(utterances: Sequence[Utterance], source: str) -> None:
    seen: dict[str, Utterance] = {}
    for utterance in utterances:
        if utterance.name in seen:
            raise CorpusError(f"{source}: {utterance.name} {_twice(seen[utterance.name], utterance)}; list it once")
        seen[utterance.name] = utterance


def _twice(first: Utterance, again: Utterance) -> str:
    """Say how a clip stands in two rows."""
    if first.partition != again.partition:
        return f"stands in {first.partition} and again in {again.partition}"
    labels = f", as {first.label!r} and as {again.label!r}" if first.label != again.label else ""
    return f"stands in two rows{labels}"


def _check_target(target: Target, utterances: Sequence[Utterance], source: str) -> None:
    """Hold what utterances say of a target to what it allows."""
    try:
        for utterance in utterances:
            if has_target(utterance, target):
                target_vector(utterance, target)
    except CorpusError as error:
        raise CorpusError(f"{source}: {error}") from None


def _protocols(path: Path, utterances: Sequence[Utterance]) -> Mapping[str, SplitRule]:
    if all(utterance.partition for utterance in utterances):
        return {"own": _OWN}
    if not all(utterance.speaker for utterance in utterances):
        without = sum(utterance.speaker is None for utterance in utterances)
        raise CorpusError(
            f"{path}: every row needs a partition (train, dev or test), or every row a speaker; {without} of "
            f"{len(utterances)} have no speaker"
        )
    loso = {"loso": SplitRule(folds="each")}
    few = len({utterance.speaker for utterance in utterances}) < _FOLDS
    return loso if few else {"folds5": SplitRule(folds=_FOLDS), **loso}


def _utterance(
    where: str, row: list[str], places: Mapping[str, int], targets: Sequence[TargetColumns], data_path: Path
) -> Utterance:
    cells = dict(_cells(where, row, places))
    file, label = cells["file"], cells.get("label")
    if not file or not (label or targets):
        raise CorpusError(f"{where}: file and label must not be empty")
    said: dict[str, Any] = {}
    for columns_of_one in targets:
        said |= columns_of_one.read(where, row)
    start, end = (_seconds(where, key, cells.get(key)) for key in ("start", "end"))
    if end is not None and end <= (start or 0.0):
        raise CorpusError(f"{where}: end ({end} s) must lie after start ({start or 0.0} s)")
    try:
        name, source_of_audio = source(data_path, file)
    except ValueError as error:
        raise CorpusError(f"{where}: {error}") from None
    stretch = "" if start is None and end is None else f"#{start or 0.0}-{'' if end is None else end}"
    return Utterance(
        name=name + stretch,
        file=source_of_audio,
        label=label,
        speaker=cells.get("speaker"),
        text=cells.get("text"),
        session=cells.get("session"),
        start=start or 0.0,
        end=end,
        partition=_partition(where, cells.get("partition")),
        demographics={name: value for name in DEMOGRAPHICS if (value := known(cells.get(name)))} or None,
        **said,
    )


def _cells(where: str, row: list[str], places: Mapping[str, int]) -> Iterator[tuple[str, str | None]]:
    for title, place in places.items():
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
