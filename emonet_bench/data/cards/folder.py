"""Reading the utterances of a folder as its card says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from emonet_bench.data.cards.card import GROUPS, Card, TableCard
from emonet_bench.errors import CorpusError
from emonet_bench.types import Utterance

Code = TypeVar("Code", bound=str)

SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"}


def load(name: str, card: Card, folder: Path | None) -> list[Utterance]:
    """List the utterances of a folder, sorted by name.

    Raises:
        CorpusError: There are none, two have one name, or a code has no meaning; one line with the remedy.
    """
    where = f"corpus {name}: no audio"
    remedy = (
        f"get it from {card.homepage} and unpack it; then `emonet-bench corpora add {name} DIR`, or name the directory "
        f"that holds it as a folder {name!r} (--corpora-dir DIR or EMONET_BENCH_CORPORA_DIR)"
    )
    if folder is None:
        raise CorpusError(f"{where}; {remedy}")
    if not folder.is_dir():
        raise CorpusError(f"{where}: {folder} is no directory; {remedy}")
    found: dict[str, Utterance] = {}
    for utterance in _utterances(name, card, folder):
        twin = found.setdefault(utterance.name, utterance)
        if twin is not utterance:
            raise CorpusError(f"corpus {name}: {twin.file} and {utterance.file} are both {utterance.name}; remove one")
    if not found:
        raise CorpusError(f"{where}: no file under {folder} has a name of this corpus; {remedy}")
    return [found[key] for key in sorted(found)]


def _utterances(name: str, card: Card, folder: Path) -> Iterator[Utterance]:
    read = Reader(card, _rows(name, card, folder))
    for file in folder.rglob("*"):
        if file.suffix.lower() not in SUFFIXES:
            continue
        try:
            utterance = read(file, file.relative_to(folder).with_suffix("").as_posix())
        except CorpusError as error:
            raise CorpusError(f"corpus {name}: {file}: {error}") from None
        if utterance is not None:
            yield utterance


class Reader:
    """Reads names of files.

    Args:
        card: The corpus's card.
        rows: What its tables say, by utterance.
    """

    def __init__(self, card: Card, rows: Mapping[str, Mapping[str, str]]) -> None:
        self.card, self.rows = card, rows
        self.patterns = [re.compile(rf"(?:.*/)?(?P<_name>{pattern})") for pattern in card.patterns]

    def __call__(self, file: Path, path: str) -> Utterance | None:
        """Read one name.

        Args:
            file: The file.
            path: Its path under the corpus's folder, POSIX style, without suffix.

        Returns:
            None where it is no part of the corpus.

        Raises:
            CorpusError: A code has no meaning; the message names no file.
        """
        match = next(filter(None, (pattern.fullmatch(path) for pattern in self.patterns)), None)
        if match is None:
            return None
        name = match["_name"]
        read = {**_joined(match.groupdict()), **self.rows.get(name, {})}
        code = read.get("label")
        if code is None:
            return None
        label = _meaning(self.card.labels, "label", code)
        own = read.get("partition")
        partition = _meaning(self.card.partitions, "partition", own) if own else self.card.partitions.get("")
        speaker, text, session = (read.get(key) for key in ("speaker", "text", "session"))
        return Utterance(name, file, label, speaker, text, session, partition=partition) if label else None


def _joined(groups: Mapping[str, str | None]) -> dict[str, str]:
    """Join numbered groups: ``{"speaker1": "Ses01", "speaker2": "F"}`` is the speaker ``Ses01F``."""
    joined: dict[str, str] = {}
    for name, text in groups.items():
        if text is not None and not name.startswith("_"):
            key = name.rstrip("0123456789")
            joined[key] = joined.get(key, "") + text
    return joined


def _meaning(codes: Mapping[str, Code], kind: str, code: str) -> Code:
    if code not in codes:
        raise CorpusError(f"its card has no {kind} for the code {code!r}")
    return codes[code]


def _rows(name: str, card: Card, folder: Path) -> dict[str, dict[str, str]]:
    """Read the corpus's own tables: what they say of each utterance."""
    rows: dict[str, dict[str, str]] = {}
    for table in card.tables:
        for file in sorted(folder.rglob(table.files)):
            path = file.relative_to(folder).as_posix()
            try:
                lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
            except OSError as error:
                raise CorpusError(f"corpus {name}: {file}: cannot be read ({error.strerror})") from error
            for utterance, read in read_rows(table, (f"{path}:{line}" for line in lines)):
                rows.setdefault(utterance, {}).update(read)
    return rows


def read_rows(table: TableCard, lines: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what the lines of a table say, each as ``path:line``: of which utterance, and its groups."""
    pattern = re.compile(table.row)
    for match in filter(None, map(pattern.fullmatch, lines)):
        groups = match.groupdict()
        yield (
            table.name.format(**groups),
            {key: text for key, text in groups.items() if key in GROUPS and text is not None},
        )
