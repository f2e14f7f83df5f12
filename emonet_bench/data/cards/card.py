"""The card: one pydantic declaration of what it may say."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from emonet_bench.config import Options
from emonet_bench.data.cards.challenges import ChallengeCard
from emonet_bench.data.cards.expressions import expression, part_of_path
from emonet_bench.data.cards.targets import VOTE, Targets, attributes_of, check_targets, is_vote
from emonet_bench.types import LABEL, PARTITIONS, Partition, SplitRule

GROUPS = ("label", "speaker", "text", "session", "partition")
"""What a regular expression may read, by the names of its groups."""


def _read_groups(pattern: str) -> set[str]:
    """Name what a pattern reads; parts of one thing are numbered."""
    return {name.rstrip("0123456789") for name in re.compile(pattern).groupindex}


def _row_groups(pattern: str) -> set[str]:
    """Name what a table's row reads; votes are numbered."""
    return {VOTE if is_vote(group) else group for group in re.compile(pattern).groupindex}


def _glob(pattern: str) -> str:
    path = PurePath(pattern)
    if not path.parts or path.is_absolute() or any("**" in part and part != "**" for part in path.parts):
        raise ValueError("not a glob pattern relative to the corpus's folder")
    return pattern


def _file_name(name: str) -> str:
    if not name or PurePosixPath(name).name != name:
        raise ValueError("not a file's name without its suffix")
    return name


def _dropped(label: object) -> object:
    return "" if label is False else label


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Demographic = Annotated[str, Field(pattern=r"^(gender|age|language)$")]
Target = Annotated[str, BeforeValidator(_dropped)]
"""A label; empty (or false in TOML): clips with it are left out."""


Groups = Annotated[tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...], Field(min_length=3)]


class ProtocolCard(Options):
    """How a protocol divides the corpus.

    Either the groups of each partition, or a number of folds or ``"each"``, or ``own``: as names or tables say.

    Attributes:
        folds: Their number, ``"each"`` for one of each group, or the groups of each fold: fold k tests the k-th, and
            the following one, cyclically, is dev.
        target: Name of the target that is predicted, where that is not the label.
    """

    by: Literal["speaker", "session", "text"] = "speaker"
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    folds: Annotated[int, Field(ge=3)] | Literal["each"] | Groups | None = None
    dev_groups: int = Field(default=1, ge=1)
    seed: int = 0
    own: bool = False
    target: str = LABEL

    @model_validator(mode="after")
    def _one_kind(self) -> ProtocolCard:
        listed = [bool(groups) for groups in (self.train, self.dev, self.test)]
        if not (all(listed) if self.folds is None and not self.own else not any(listed)):
            raise ValueError("give either all of train, dev and test, or folds, or own = true")
        if self.own and self.folds is not None:
            raise ValueError("give either folds or own = true")
        return self

    def rule(self) -> SplitRule:
        """Return the rule that carries it out."""
        if self.own:
            return SplitRule(self.by, target=self.target)
        if self.folds is not None:
            folds = {"folds": self.folds, "dev_groups": self.dev_groups, "seed": self.seed}
            return SplitRule(self.by, **folds, target=self.target)  # type: ignore[arg-type]
        fixed: dict[Partition, tuple[str, ...]] = {"train": self.train, "dev": self.dev, "test": self.test}
        return SplitRule(self.by, fixed=fixed, target=self.target)


class TableCard(Options):
    """Text files of the corpus that say what file names do not, one utterance in a line.

    Attributes:
        files: A glob pattern for their paths under the corpus's folder.
        row: A regular expression for ``path:line``, of CSV files for ``path:record``. Lines that it does not fit are
            passed over; of CSV files they are counted, except the first.
        name: The end of the utterance's path without suffix, made of the row's groups, such as ``"{id}"``.
        details: A regular expression likewise, for the lines right below a row that say more of its utterance, such as
            the votes of its annotators.
    """

    files: Annotated[str, AfterValidator(_glob)]
    row: Annotated[str, AfterValidator(expression)]
    name: str
    details: Annotated[str, AfterValidator(expression)] | None = None

    def is_row(self, groups: Mapping[str, str | None]) -> bool:
        """Tell a row's match from one of details: it has the groups that name the utterance."""
        return all(field in groups for field in self._fields())

    def _fields(self) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(self.name) if field is not None}

    @model_validator(mode="after")
    def _known_groups(self) -> TableCard:
        groups = re.compile(self.row).groupindex
        parts = [part for part in string.Formatter().parse(self.name) if part[1] is not None]
        if not parts or any(field not in groups or form or kind for _, field, form, kind in parts):
            raise ValueError("name must be made of named groups of row, such as {id}, as they stand")
        if self.details is not None and self._fields() & set(re.compile(self.details).groupindex):
            raise ValueError("details must not read what names the utterance; its row does")
        return self


class Example(Options):
    """The reading that the corpus's documentation gives one file name or table row.

    Attributes:
        row: The line of a table, as ``path:line``; or several lines.
        label: Its label; none: the card leaves it without one.
    """

    row: str | tuple[str, ...] | None = None
    label: str | None = None
    speaker: str | None = None
    text: str | None = None
    session: str | None = None
    partition: Partition | None = None
    votes: dict[str, float] | None = None
    labels: frozenset[str] | None = None
    values: dict[str, float] | None = None


class Card(Options):
    """What a corpus is and how it is read.

    Attributes:
        patterns: Regular expressions for the end of a file's path without its suffix, with the groups ``label`` (a code
            of ``labels``) and, where names tell, ``speaker``, ``text``, ``session`` and ``partition``; parts in several
            places are numbered (``speaker1``, ``speaker2``) and joined. The first that fits is taken; what it matched
            is the utterance's name. Files that none fits are no part of the corpus.
        corrections: Names of files (without suffix) that are published with a mistake, and what they should be.
        tables: Where the rest stands. A file whose label neither its name nor a table tells is no part of the corpus.
        labels: Codes in file names and the labels they mean, in the declared order; a clip whose code means ``""`` is
            no part of the corpus.
        partitions: Codes of partitions; the code ``""`` is that of files which say nothing. Files whose code means
            ``""`` are no part of the corpus.
        maps: Named label maps; a label that maps to ``""`` is left out.
        targets: What utterances say beside their label, by the names that protocols use. An utterance that has such a
            target and no label is part of the corpus.
        faults: Known faults.
        demographics: What names or the documentation tell of speakers: ``gender``, ``age`` (in years, or in words) and
            ``language``, each with its values and their speakers, by name or by a pattern such as ``f*``.
        protocols: The first is the default.
        challenges: Those that hide the truth of some of its clips.
        examples: Documented file names (without suffix) and what they mean.
    """

    title: str
    homepage: str
    licence: str
    redistributable: Literal["yes", "non-commercial", "no", "unverified"]
    citation: str
    languages: tuple[str, ...]
    elicitation: Literal["acted", "induced", "natural", "read", "mixed", "recorded", "unverified"]
    clips: int | None = None
    speakers: int | None = None
    hours: float | None = None
    fingerprint: str | None = None
    faults: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    patterns: tuple[Annotated[str, AfterValidator(part_of_path)], ...] = Field(min_length=1)
    corrections: dict[str, Annotated[str, AfterValidator(_file_name)]] = Field(default={})
    tables: tuple[TableCard, ...] = ()
    labels: dict[str, Target]
    partitions: dict[str, Partition | Literal[""]] = Field(default={name: name for name in PARTITIONS})
    maps: dict[Name, dict[str, Target]] = Field(default={})
    demographics: dict[Demographic, dict[str, tuple[str, ...]]] = Field(default={})
    targets: Targets = Field(default={})
    protocols: dict[Name, ProtocolCard] = Field(min_length=1)
    challenges: dict[Name, ChallengeCard] = Field(default={})
    examples: dict[str, Example] = Field(default={})

    @model_validator(mode="after")
    def _read_somewhere(self) -> Card:
        check_targets(self.targets)
        attributes = attributes_of(self.targets)
        names = [_read_groups(pattern) for pattern in self.patterns]
        for place, groups in enumerate(names):
            if strangers := groups - {*GROUPS, *attributes}:
                known = f"{', '.join([*GROUPS, *sorted(attributes)])}, no others"
                raise ValueError(f"patterns.{place}: may have the named groups {known}; has {min(strangers)}")
        rows = [pattern for table in self.tables for pattern in (table.row, table.details) if pattern]
        read = [*names, *(_row_groups(pattern) for pattern in rows)]
        agreed = {label for one in self.targets.values() if one.consensus for label in one.codes.values() if label}
        wanted = {"label"} if self.labels and not agreed else {"label", *attributes}
        if not any(groups & wanted for groups in read):
            raise ValueError("patterns: one needs a named group label, or the row of a table does")
        if strangers := agreed - set(self.labels.values()):
            raise ValueError(f"targets: votes may agree on {min(strangers)!r}, which is not among the labels")
        for name, labels in self.maps.items():
            if strangers := labels.keys() - set(self.labels.values()):
                raise ValueError(f"maps.{name}: {min(strangers)!r} is not among the labels")
        return self

    def facts(self) -> dict[str, str]:
        """Return what a ``Corpus`` has no field of its own for."""
        facts = {"homepage": self.homepage, "elicitation": self.elicitation, "redistributable": self.redistributable}
        numbers = {"speakers": self.speakers, "hours": self.hours}
        facts |= {name: str(number) for name, number in numbers.items() if number is not None}
        lists = {"known faults": self.faults, "unverified": self.unverified}
        return facts | {name: "; ".join(entries) for name, entries in lists.items() if entries}
