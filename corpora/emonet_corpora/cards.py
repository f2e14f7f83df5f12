"""Cards: a corpus in one TOML file, and how it is read from a folder of audio."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from emonet_bench.config import Options, parse, read_toml
from emonet_bench.errors import CorpusError
from emonet_bench.types import Corpus, Partition, SplitRule, Utterance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"}


def _with_groups(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groupindex.keys()
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if "label" not in groups or not groups <= {"label", "speaker", "text", "session"}:
        raise ValueError("needs a named group label; may have speaker, text and session, no others")
    return pattern


class ProtocolCard(Options):
    """How a protocol divides the corpus: either the groups of each partition, or a number of folds, or ``"each"``."""

    by: Literal["speaker", "session", "text"] = "speaker"
    train: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    folds: int | Literal["each"] | None = None
    dev_groups: int = 1
    seed: int = 0

    @model_validator(mode="after")
    def _one_kind(self) -> ProtocolCard:
        listed = [bool(groups) for groups in (self.train, self.dev, self.test)]
        if not (all(listed) if self.folds is None else not any(listed)):
            raise ValueError("give either all of train, dev and test, or folds")
        return self

    def rule(self) -> SplitRule:
        """Return the rule that carries it out."""
        if self.folds is not None:
            return SplitRule(self.by, folds=self.folds, dev_groups=self.dev_groups, seed=self.seed)
        fixed: dict[Partition, tuple[str, ...]] = {"train": self.train, "dev": self.dev, "test": self.test}
        return SplitRule(self.by, fixed=fixed)


class Card(Options):
    """What a corpus is and how its file names are read.

    Attributes:
        patterns: Regular expressions for the end of a file's path without its suffix, with the groups ``label`` (a code
            of ``labels``) and, where names tell, ``speaker``, ``text`` and ``session``. The first that fits is taken;
            what it matched is the utterance's name. Files that none fits are no part of the corpus.
        labels: Codes in file names and the labels they mean, in the declared order of the labels.
        faults: Known faults.
        protocols: The first is the default.
    """

    title: str
    homepage: str
    licence: str
    redistributable: Literal["yes", "non-commercial", "no", "unverified"]
    citation: str
    languages: tuple[str, ...]
    elicitation: Literal["acted", "induced", "natural", "read", "mixed", "unverified"]
    clips: int | None = None
    speakers: int | None = None
    hours: float | None = None
    fingerprint: str | None = None
    faults: tuple[str, ...] = ()
    patterns: tuple[Annotated[str, AfterValidator(_with_groups)], ...] = Field(min_length=1)
    labels: dict[str, str]
    protocols: dict[str, ProtocolCard] = Field(min_length=1)

    def facts(self) -> dict[str, str]:
        """Return what a ``Corpus`` has no field of its own for."""
        facts = {"homepage": self.homepage, "elicitation": self.elicitation, "redistributable": self.redistributable}
        numbers = {"speakers": self.speakers, "hours": self.hours}
        facts |= {name: str(number) for name, number in numbers.items() if number is not None}
        return facts | {"known faults": "; ".join(self.faults)} if self.faults else facts


def corpus_from_card(card_path: Path, audio_path: Path | None, name: str | None = None) -> Corpus:
    """Read a card.

    Args:
        card_path: A TOML file.
        audio_path: The folder with the corpus's audio, at any depth and in any format; None where none is known.
        name: The corpus's name; None: the card's stem.

    Raises:
        ConfigError: The card is no card; one line that names the file and the field.
    """
    card, name = parse(Card, read_toml(card_path), str(card_path)), name or card_path.stem
    return Corpus(
        name=name,
        labels=tuple(dict.fromkeys(card.labels.values())),
        load=partial(_load, name, card, audio_path),
        protocols={key: protocol.rule() for key, protocol in card.protocols.items()},
        title=card.title,
        languages=card.languages,
        licence=card.licence,
        citation=card.citation.strip(),
        fingerprint=card.fingerprint,
        clips=card.clips,
        facts=card.facts(),
    )


def _load(name: str, card: Card, folder: Path | None) -> list[Utterance]:
    where = f"corpus {name}: no audio"
    remedy = (
        f"get it from {card.homepage}, unpack it into a folder {name!r} and name the directory that holds this folder "
        "(--corpora-dir DIR or EMONET_BENCH_CORPORA_DIR)"
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
    patterns = [re.compile(rf"(?:.*/)?(?P<_name>{pattern})") for pattern in card.patterns]
    for file in folder.rglob("*"):
        if file.suffix.lower() not in SUFFIXES:
            continue
        path = file.relative_to(folder).with_suffix("").as_posix()
        if match := next(filter(None, (pattern.fullmatch(path) for pattern in patterns)), None):
            groups = match.groupdict()
            code = groups["label"]
            if code not in card.labels:
                raise CorpusError(f"corpus {name}: {file}: its card has no label for the code {code!r}")
            speaker, text, session = (groups.get(key) for key in ("speaker", "text", "session"))
            yield Utterance(groups["_name"], file, card.labels[code], speaker, text, session)
