"""Corpus: its utterances, what they are labelled with, and how protocols divide them. No torch at import.

``emonet_bench.types`` has these names, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from emonet_bench.errors import ConfigError
from emonet_bench.types.audio import AudioSource
from emonet_bench.types.naming import check_name
from emonet_bench.types.targets import LABEL, Target

Partition = Literal["train", "dev", "test"]
PARTITIONS: tuple[Partition, ...] = get_args(Partition)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One labelled stretch of audio.

    Attributes:
        name: Identifies the utterance within its corpus (a relative path, POSIX style).
        file: Where the audio lies: a file, a member of an archive, or a function that gives it.
        label: One of the corpus's labels; None where annotators agree on none: other targets may still know the clip.
        speaker: Who speaks, where that is known.
        text: Which text is spoken, where that is known.
        session: The recording session, where there is one.
        start: First second of the utterance in the file.
        end: Last second, or None for the end of the file.
        partition: The partition that the corpus itself gives the utterance, where it gives one.
        votes: How many annotators chose each label, or their shares; a label that is not named has no vote.
        labels: All labels that are true at once.
        values: Numbers on the scales of attributes.
        demographics: What is known of the speaker: ``gender``, ``age`` (in years, or in words), ``language``. It goes
            before what the corpus tells of the speaker.
    """

    name: str
    file: AudioSource
    label: str | None
    speaker: str | None = None
    text: str | None = None
    session: str | None = None
    start: float = 0.0
    end: float | None = None
    partition: Partition | None = None
    votes: Mapping[str, float] | None = None
    labels: frozenset[str] | None = None
    values: Mapping[str, float] | None = None
    demographics: Mapping[str, str] | None = None


@dataclass(frozen=True)
class SplitRule:
    """How a protocol divides a corpus; ``emonet_bench.data.partitions.assign`` carries it out.

    Three kinds, told apart by their fields: ``fixed`` names the groups of each partition, ``folds`` rotates the groups
    (an integer for group k-fold, ``"each"`` for leave-one-group-out, or the groups of each fold), and neither means
    that every utterance says its own partition.

    Attributes:
        by: The utterance field that makes a group: ``speaker``, ``session`` or ``text``.
        fixed: The groups of each partition.
        folds: Number of folds; ``"each"``: one fold for each group; or the groups of each fold, which tests its own and
            selects on those of the following one, cyclically.
        dev_groups: With ``"each"``, how many groups (those that follow the test group) make the dev partition.
        seed: Orders the groups before they are dealt into k folds.
        target: Name of the target that is predicted; utterances without it are left out.
    """

    by: Literal["speaker", "session", "text"] = "speaker"
    fixed: Mapping[Partition, tuple[str, ...]] | None = None
    folds: int | Literal["each"] | tuple[tuple[str, ...], ...] | None = None
    dev_groups: int = 1
    seed: int = 0
    target: str = LABEL


@dataclass(frozen=True)
class Challenge:
    """Clips whose truth a challenge hides, and the table that it takes of what is predicted for them.

    Attributes:
        title: Which challenge, and what it asks for.
        target: Name of the target that is predicted.
        load: Returns the clips, none with a label; raises ``CorpusError`` where they are not on this disk.
        columns: By title what a column of the table holds: ``file``, the name of the audio file; ``label``; or the name
            of a label or an attribute, what is predicted of it.
        codes: What the challenge calls labels; those that are not named stay.
        metric: What it is judged by, as reports name it.
    """

    title: str
    target: str
    load: Callable[[], Sequence[Utterance]]
    columns: Mapping[str, str]
    codes: Mapping[str, str] = field(default_factory=dict)
    metric: str = ""


@dataclass(frozen=True)
class Corpus:
    """A labelled collection of speech (or any audio).

    Attributes:
        name: Registered name.
        labels: All labels, in their declared order; empty where it has other targets only.
        load: Returns the utterances; raises ``CorpusError`` with a remedy where the audio is not on this disk.
        protocols: Ways to divide the corpus, by name; the first is the default.
        title: The corpus's full name.
        languages: ISO 639-1 codes.
        licence: Terms of the audio.
        citation: BibTeX.
        fingerprint: Pinned hash of content and labels; a different one is reported.
        clips: Expected number of clips, where the documentation states it.
        synthetic: Whether the audio is generated rather than recorded.
        ordered: Whether the order of the labels means something; the ordinal loss needs that. Not so where they were
            merely collected from a table.
        maps: Label maps by name: labels and what they become; ``""``: their clips are left out.
        facts: What else is worth showing about it, word for word: homepage, elicitation, known faults.
        targets: What its utterances may say beside their label, for protocols to name.
        demographics: What its documentation tells of its speakers, by attribute (``gender``, ``age``, ``language``) and
            value: names of speakers, or patterns such as ``f*``. Whoever is not named is unknown.
        challenges: Challenges that hide the truth of some of its clips, by name.
    """

    name: str
    labels: tuple[str, ...]
    load: Callable[[], Sequence[Utterance]]
    protocols: Mapping[str, SplitRule]
    title: str = ""
    languages: tuple[str, ...] = ()
    licence: str = "unverified"
    citation: str = ""
    fingerprint: str | None = None
    clips: int | None = None
    synthetic: bool = False
    ordered: bool = True
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    demographics: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    challenges: Mapping[str, Challenge] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name("corpus", self.name)
        few = len(self.labels) < 2 and not (self.targets and not self.labels)  # noqa: PLR2004
        if few or len(set(self.labels)) != len(self.labels):
            raise ConfigError(f"corpus {self.name}: needs at least two labels, each once; has {list(self.labels)}")
        if not self.protocols:
            raise ConfigError(f"corpus {self.name}: needs at least one protocol")
        known = self._targets()
        if len({target.name for target in known}) < len(known):
            raise ConfigError(f"corpus {self.name}: two targets have one name; {LABEL!r} is its single label's")
        for rule in self.protocols.values():
            self.target(rule)
        for name, challenge in self.challenges.items():
            target = self.target(challenge)
            held = {"file", *target.names, *(["label"] if target.kind == "label" else [])}
            if strange := next((holds for holds in challenge.columns.values() if holds not in held), None):
                have = ", ".join(sorted(held))
                raise ConfigError(f"corpus {self.name}: challenge {name}: a column holds {strange!r}; known: {have}")

    def target(self, rule: SplitRule | Challenge) -> Target:
        """Return the target that a protocol or a challenge is about.

        Raises:
            ConfigError: The corpus has none of that name.
        """
        for target in self._targets():
            if target.name == rule.target:
                return target
        have = ", ".join(repr(target.name) for target in self._targets())
        raise ConfigError(f"corpus {self.name}: a protocol names the target {rule.target!r}; there is {have}")

    def _targets(self) -> tuple[Target, ...]:
        """List all targets; the label comes first."""
        return (*((Target(LABEL, "label", self.labels),) if self.labels else ()), *self.targets)
