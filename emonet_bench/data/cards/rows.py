"""The row reader: the text files of a corpus that say what names of files do not, read as its card says."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from emonet_bench.data.cards.bounded import bounded_matches
from emonet_bench.data.cards.card import GROUPS, TableCard
from emonet_bench.data.cards.matching import Groups
from emonet_bench.data.cards.targets import VOTE, is_vote
from emonet_bench.data.folders import check_within
from emonet_bench.data.text_files import read_text, records
from emonet_bench.errors import CorpusError


@dataclass(frozen=True)
class Rows:
    """What the tables of a corpus say.

    Attributes:
        read: By utterance, what the named groups of its rows read.
        unmatched: Records of CSV files that the card's expression does not fit, the headers aside.
        votes: By utterance, how many of its rows voted for each code.
    """

    read: dict[str, dict[str, str]] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)
    votes: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, name: str, said: Mapping[str, str]) -> None:
        """Add what a row says of an utterance; votes are counted, of everything else the last row counts."""
        votes = [text for group, text in said.items() if is_vote(group)]
        self.read.setdefault(name, {}).update({group: text for group, text in said.items() if not is_vote(group)})
        if votes:
            self.votes.setdefault(name, Counter()).update(votes)


def read_tables(
    name: str,
    tables: Sequence[TableCard],
    folder: Path,
    files: Sequence[Path],
    *,
    confined: bool,
    attributes: Collection[str] = (),
) -> Rows:
    """Read all tables of a corpus.

    Args:
        name: The corpus's name.
        tables: What its card says of them.
        folder: The corpus's folder.
        files: All files that were found in it.
        confined: Whether tables must lie in the folder, links followed.
        attributes: Groups that are read for targets, see ``targets.attributes_of``.

    Raises:
        CorpusError: A table cannot be read, or lies outside of the folder.
    """
    rows, where = Rows(), f"corpus {name}: tables"
    for table in tables:
        for file in _chosen(table, folder, files, where, confined=confined):
            path = _path(file, folder)
            try:
                lines = list(records(read_text(file, lenient=True), quoted=file.suffix.lower() == ".csv"))
            except OSError as error:
                raise CorpusError(f"corpus {name}: {file}: cannot be read ({error.strerror})") from error
            found = read_rows(table, [f"{path}:{line}" for line in lines], f"{where}: {file}", attributes)
            for number, (line, row) in enumerate(zip(lines, found, strict=True)):
                if row is not None:
                    rows.add(*row)
                elif file.suffix.lower() == ".csv" and number and line.strip():
                    rows.unmatched.append(f"{path}:{line}")
    return rows


def read_rows(
    table: TableCard, lines: Sequence[str], where: str, attributes: Collection[str] = ()
) -> list[tuple[str, dict[str, str]] | None]:
    """Read the lines of a table.

    Args:
        table: What the card says of it.
        lines: N lines, each as ``path:line``.
        where: Whose they are, for messages.
        attributes: Groups that are read for targets, see ``targets.attributes_of``.

    Returns:
        For each the name of its utterance and what its named groups read; None where it is no row. Lines of details
        are of the utterance of the row that they follow without another line between.

    Raises:
        CorpusError: It takes too long.
    """
    patterns = [table.row] if table.details is None else [table.row, table.details]
    found: list[tuple[str, dict[str, str]] | None] = []
    name: str | None = None
    for groups in bounded_matches(patterns, lines, where):
        if groups is None or table.is_row(groups):
            name = None if groups is None else _name(table, groups)
        found.append(None if groups is None or name is None else (name, _said(groups, attributes)))
    return found


def _name(table: TableCard, groups: Groups) -> str:
    return unicodedata.normalize("NFC", table.name.format(**{key: text or "" for key, text in groups.items()}))


def _said(groups: Groups, attributes: Collection[str]) -> dict[str, str]:
    known = {key: text for key, text in groups.items() if text}
    votes = VOTE in attributes
    return {key: text for key, text in known.items() if key in GROUPS or key in attributes or (votes and is_vote(key))}


def _chosen(table: TableCard, folder: Path, files: Sequence[Path], where: str, *, confined: bool) -> Iterator[Path]:
    """Find the files of a table, in order."""
    if ".." in PurePath(table.files).parts:
        if confined:
            check_within(folder, folder / table.files, where)
        yield from sorted(folder.glob(table.files))
        return
    for file in sorted(file for file in files if file.relative_to(folder).match(table.files)):
        if confined:
            check_within(folder, file, where)
        yield file


def _path(file: Path, folder: Path) -> str:
    path = file.relative_to(folder) if file.is_relative_to(folder) else file
    return unicodedata.normalize("NFC", path.as_posix())
