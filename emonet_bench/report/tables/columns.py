"""Columns of a table: each way to get a network, named by as few options as tell it from the others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from emonet_bench.report.reading import CorpusResult
from emonet_bench.report.tables.rows import Column

_TRAINED_ON = re.compile(r" on ([^ ,]+)")
_NO_COLUMN = frozenset({"training.limit", "search"})  # the first makes rows; a search is told by "tuned"


@dataclass(frozen=True)
class Columns:
    """The columns of some runs.

    Attributes:
        by_run: Of each run.
        notes: What the columns of two names differ in besides what they are named by, a line for each two.
    """

    by_run: Mapping[str, Column]
    notes: tuple[str, ...]


def columns_of(records: Sequence[CorpusResult]) -> Columns:
    """Give every run its column, tagged with options that vary among runs of the same two names.

    Of options that vary together one is the tag, and a note names the others.
    """
    groups: dict[tuple[str, str], list[CorpusResult]] = defaultdict(list)
    for record in records:
        groups[record.architecture, record.strategy].append(record)
    columns: dict[str, Column] = {}
    notes = []
    for (architecture, strategy), members in groups.items():
        variations = _Variations(members)
        for record in members:
            columns[record.run_id] = Column(architecture, strategy, variations.tag(record))
        if variations.untold:
            names = ", ".join(map(_short, variations.untold))
            notes.append(f"Columns of {architecture} {strategy} differ in {names}, too.")
    return Columns(columns, tuple(notes))


class _Variations:
    """What varies among runs of one architecture and strategy.

    Attributes:
        records: The runs.
        relative: Whether their sources are told as seen from each corpus.
        searches: The searches that tuned some of them.
        told: The options that tags name.
        untold: Those that vary together with these.
    """

    def __init__(self, records: Sequence[CorpusResult]) -> None:
        self.records = records
        self.relative = _is_relative(records)
        self.searches = {record.search.study_id for record in records if record.search}
        varying = self._varying()
        self.told = sorted(self._fewest(varying))
        self.untold = sorted(set(varying) - set(self.told))

    def tag(self, record: CorpusResult) -> str:
        """Say what tells a run from the others."""
        own = [name for name in self.told if self._has(record, name)]
        return ", ".join([*self._tuned(record), *(f"{_short(name)}={self._said(record, name)}" for name in own)])

    def _tuned(self, record: CorpusResult) -> list[str]:
        """Say that a run was tuned; by which search, where there are several."""
        if record.search is None:
            return []
        return [f"tuned {record.search.study_id}" if len(self.searches) > 1 else "tuned"]

    def _varying(self) -> list[str]:
        """Name the options with several values. Sources count within a corpus: targets differ in theirs by nature."""
        values: dict[tuple[str, str], set[str]] = defaultdict(set)
        for name in {name for record in self.records for name in record.variant} - _NO_COLUMN:
            for record in self.records:
                if self._has(record, name):
                    values[name, record.corpus if name == "source" else ""].add(self._said(record, name))
        return sorted({name for (name, _), seen in values.items() if len(seen) > 1})

    def _fewest(self, varying: Sequence[str]) -> Iterator[str]:
        """Yield options until no further one tells more runs apart.

        What is built comes before how it is trained, an option that every run gives and of few words before others.
        """
        told: list[str] = []
        for name in sorted(varying, key=self._length):
            if len(self._apart([*told, name])) > len(self._apart(told)):
                told.append(name)
                yield name

    def _length(self, name: str) -> tuple[bool, bool, bool, int, str]:
        said = {self._said(record, name) for record in self.records if self._has(record, name)}
        return name == "source", "default" in said, name.startswith("training."), max(map(len, said)), name

    def _apart(self, names: Sequence[str]) -> set[tuple[str, ...]]:
        return {
            (*self._tuned(record), *(self._said(record, name) if self._has(record, name) else "" for name in names))
            for record in self.records
        }

    def _has(self, record: CorpusResult, name: str) -> bool:
        """Whether a run has an option at all: one that was searched has none."""
        return name in record.variant or record.search is None

    def _said(self, record: CorpusResult, name: str) -> str:
        """Return an option in words; one that a run's record leaves out has its default."""
        if name == "source" and self.relative:
            return _from_its_corpus(record)
        return str(record.variant.get(name, "default"))


def _is_relative(records: Iterable[CorpusResult]) -> bool:
    """Whether sources may be told as seen from each corpus: no two of one corpus are then called alike."""
    called: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in records:
        called[record.corpus, _from_its_corpus(record)].add(str(record.variant.get("source")))
    return all(len(names) == 1 for names in called.values())


def _from_its_corpus(record: CorpusResult) -> str:
    """Describe a run's source so that those of other corpora, made in the same way, are called the same."""
    source = record.variant.get("source")
    if source is None:
        return "none"

    def seen(found: re.Match[str]) -> str:
        names = found[1].split("+")
        if names == [record.corpus]:
            return ""
        if len(names) == 1:
            return found[0]
        return f" on {len(names)} corpora with its own" if record.corpus in names else f" on {len(names)} other corpora"

    return _TRAINED_ON.sub(seen, str(source), count=1)


def _short(name: str) -> str:
    return name.partition(".")[2] or name
