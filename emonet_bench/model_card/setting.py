"""The setting of a card: which clips of which corpus a file is measured on, and whether its run tested the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.deploy import Predictor
from emonet_bench.errors import ConfigError
from emonet_bench.model_card.clips import CardClips
from emonet_bench.model_card.record import Data
from emonet_bench.types import Corpus, Partition
from emonet_bench.validation_messages import did_you_mean

Reading = Callable[[str, int, int], None]
"""Called with what is read or measured, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class Wanted:
    """What a user asks for; None: as the file's run had it.

    Attributes:
        corpus: Name of the corpus.
        protocol: Name of its protocol, with the label map where there is one.
        fold: Which fold.
        partition: Which partition.
    """

    corpus: str | None = None
    protocol: str | None = None
    fold: int | None = None
    partition: Partition = "test"


@dataclass(frozen=True)
class Setting:
    """The clips that a card is measured on.

    Attributes:
        opened: The corpus.
        fold: The protocol's fold.
        parts: The clips of each partition.
        partition: The one that is measured.
        notes: In what its clips are not those that the file's run tested.
    """

    opened: OpenCorpus
    fold: int | None
    parts: Mapping[Partition, CardClips]
    partition: Partition
    notes: tuple[str, ...]

    @property
    def clips(self) -> CardClips:
        """The clips that are measured."""
        return self.parts[self.partition]

    def data(self) -> Data:
        """Describe the clips for the record."""
        corpus, clips = self.opened.corpus, self.clips
        return Data(
            corpus=corpus.name,
            title=corpus.title,
            languages=list(corpus.languages) or sorted(_languages(clips)),
            licence=corpus.licence,
            citation=corpus.citation,
            elicitation=corpus.facts.get("elicitation", ""),
            synthetic=corpus.synthetic,
            protocol=self.opened.protocol,
            protocol_id=self.opened.protocol_id(),
            fold=self.fold,
            partition=self.partition,
            clips=len(clips),
            seconds=round(clips.seconds, 1),
            speakers=None if None in clips.speakers else len(set(clips.speakers)),
            notes=list(self.notes),
        )


def _languages(clips: CardClips) -> set[str]:
    """Tell which languages the tables of a corpus say of its clips."""
    said = ((one.demographics or {}).get("language") for one in clips.utterances)
    return {language for language in said if language}


def choose(
    predictor: Predictor, wanted: Wanted, corpora: Mapping[str, Corpus], cache: Path, reading: Reading
) -> Setting:
    """Open the corpus that a file is to be measured on, and divide it.

    Args:
        predictor: The file.
        wanted: What the user asks for.
        corpora: Those that are known.
        cache: The cache directory.
        reading: Called while audio is read.

    Raises:
        ConfigError: The corpus, protocol or fold is unknown, or the labels are not the model's.
        CorpusError: The corpus is not on this disk.
        AudioError: Files are broken.
    """
    if predictor.target is not None:
        raise ConfigError(f"the model tells {predictor.target.kind}; a card is for models that name one label")
    told = predictor.metadata
    name = wanted.corpus or told.get("corpus", "")
    if name not in corpora:
        raise ConfigError(f"--corpus: unknown {name!r}{did_you_mean(name, corpora)}")
    own = name == told.get("corpus")
    protocol = wanted.protocol or (told.get("protocol") if own else None)
    opened = open_corpus(
        corpora[name],
        protocol,
        predictor.sampling_rate,
        cache,
        lambda done, total: reading(f"reading {name}", done, total),
    )
    _check_labels(predictor, opened)
    fold = _fold(wanted, told if own and opened.protocol == told.get("protocol") else {}, opened)
    limit = int(told["limit"]) if own and told.get("limit") else None
    parts = {part: CardClips.of(opened, index) for part, index in opened.divide(fold, limit).items()}
    notes = _notes(told, wanted, opened, fold, limit)
    return Setting(opened, fold, parts, wanted.partition, tuple(notes))


def other_clips(
    name: str,
    part: Partition,
    flag: str,
    setting: Setting,
    corpora: Mapping[str, Corpus],
    cache: Path,
    reading: Reading,
) -> CardClips:
    """Open a partition of another corpus, by its default protocol.

    Args:
        name: Name of the corpus.
        part: Which partition.
        flag: The option that named it, for the message.
        setting: Whose sampling rate counts.
        corpora: Those that are known.
        cache: The cache directory.
        reading: Called while audio is read.

    Raises:
        ConfigError: The corpus is unknown.
        CorpusError: It is not on this disk.
        AudioError: Files are broken.
    """
    if name not in corpora:
        raise ConfigError(f"{flag}: unknown corpus {name!r}{did_you_mean(name, corpora)}")
    rate = setting.clips.sampling_rate
    opened = open_corpus(corpora[name], None, rate, cache, lambda done, total: reading(f"reading {name}", done, total))
    return CardClips.of(opened, opened.divide(opened.folds[0])[part])


def _check_labels(predictor: Predictor, opened: OpenCorpus) -> None:
    if opened.target.kind != "label":
        raise ConfigError(
            f"--protocol {opened.protocol}: is about {opened.target.kind}; a card is for protocols about single labels"
        )
    if set(opened.corpus.labels) != set(predictor.labels):
        raise ConfigError(
            f"--corpus {opened.corpus.name}: has the labels {', '.join(opened.corpus.labels)}, the model "
            f"{', '.join(predictor.labels)}; give a --protocol with a label map, such as speakers:4-class"
        )


def _fold(wanted: Wanted, told: Mapping[str, str], opened: OpenCorpus) -> int | None:
    """Choose the fold: the user's, or the one that the file says its run had."""
    known = opened.folds
    if wanted.fold is not None:
        fold: int | None = wanted.fold
    elif known == [None]:
        return None
    elif told.get("fold"):
        fold = int(told["fold"])
    else:
        raise ConfigError(
            f"--fold: protocol {opened.protocol} has the folds 0 to {len(known) - 1}, and the file does not say which "
            "one is its own; name the one whose test speakers the model has not heard"
        )
    if fold not in known:
        remedy = "leave it out" if known == [None] else f"choose one of 0 to {len(known) - 1}"
        raise ConfigError(f"--fold {fold}: protocol {opened.protocol} has no such fold; {remedy}")
    return fold


def _notes(
    told: Mapping[str, str], wanted: Wanted, opened: OpenCorpus, fold: int | None, limit: int | None
) -> list[str]:
    """Say in what clips are not those that the file's run tested."""
    own = opened.corpus.name == told.get("corpus")
    if not own:
        return [f"the model was trained on {told.get('corpus') or 'an unknown corpus'}, not on this one"]
    notes = []
    if opened.protocol_id(limit) != told.get("protocol_id"):
        notes.append("another protocol than the run's: the model may have been trained on some of these clips")
    elif told.get("fold", "") not in ("", str(fold)):
        notes.append(f"another fold than the run's ({told['fold']}): the model was trained on most of these clips")
    if told.get("fingerprint") and told["fingerprint"] != opened.fingerprint:
        notes.append("the corpus has changed since the run")
    if wanted.partition != "test":
        notes.append(f"the partition {wanted.partition} took part in training or in the choice of the epoch")
    return notes
