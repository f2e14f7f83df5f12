"""A corpus made ready for a run: its audio opened, its utterances divided by a protocol."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench.audio import AudioStore, open_store
from emonet_bench.data import label_maps, partitions
from emonet_bench.data.corpus_ref import SPEAKER_NORMALISED, CorpusRef
from emonet_bench.data.coverage import Coverage, coverage
from emonet_bench.data.targets import has_target, target_vector
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.types import LABEL, PARTITIONS, Corpus, LazyAudio, Loss, Partition, SplitRule, Target, Utterance
from emonet_bench.validation_messages import did_you_mean

if TYPE_CHECKING:
    from emonet_bench.data.dataset import Clips


@dataclass(frozen=True)
class OpenCorpus:
    """A corpus with its audio at hand and one protocol chosen.

    Attributes:
        corpus: What is known of it, with the labels that the label map leaves.
        protocol: Name of the protocol, with its label map where it has one: ``speakers:4-class``.
        utterances: All of its utterances that are used.
        audio: Where their samples lie.
        sampling_rate: Samples per second.
        skipped_files: How many bad files were left out.
        coverage: How much of the corpus was found, whatever its labels.
    """

    corpus: Corpus
    protocol: str
    utterances: Sequence[Utterance]
    audio: AudioStore
    sampling_rate: int
    skipped_files: int
    coverage: Coverage

    @property
    def rule(self) -> SplitRule:
        """How the protocol divides the utterances."""
        return self.corpus.protocols[self.ref.split]

    @property
    def ref(self) -> CorpusRef:
        """Its name, protocol and label map."""
        return CorpusRef.of(self.corpus.name, self.protocol)

    @property
    def target(self) -> Target:
        """What the protocol is about."""
        return self.corpus.target(self.rule)

    @property
    def fingerprint(self) -> str:
        """Hash of decoded audio and labels."""
        return self.audio.fingerprint

    def protocol_id(self, limit: int | None = None) -> str:
        """Return the identity of label set, partitions (limited or not) and what becomes of features."""
        normalised = self.ref.speaker_normalised
        with self._named():
            return partitions.protocol_id(
                self.target, self.utterances, self.rule, limit=limit, speaker_normalised=normalised
            )

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say of which corpus and protocol a rule does not fit."""
        try:
            yield
        except CorpusError as error:
            raise CorpusError(f"corpus {self.corpus.name}, protocol {self.protocol}: {error}") from None

    def check_loss(self, loss: Loss, known: Iterable[Loss]) -> None:
        """Hold a training's loss against what the corpus says of its labels, and against the protocol's target.

        Args:
            loss: The loss.
            known: All losses, for the remedy.

        Raises:
            ConfigError: The loss is for other kinds of targets, or it needs ordered labels, and these were merely
                collected.
        """
        if self.target.kind not in loss.kinds:
            fitting = ", ".join(sorted(one.name for one in known if self.target.kind in one.kinds))
            raise ConfigError(
                f"training.loss: {loss.name!r} is for {' and '.join(loss.kinds)}, and protocol {self.protocol!r} of "
                f"{self.corpus.name} is about {self.target.kind}; losses that fit: {fitting}"
            )
        if loss.ordered and not self.corpus.ordered:
            raise ConfigError(
                f"training.loss: {loss.name!r} needs ordered labels, and those of {self.corpus.name} are merely sorted "
                f"by name ({', '.join(self.corpus.labels)}); declare the order: by a card, or by a label map that "
                "names every label"
            )

    @property
    def folds(self) -> list[int | None]:
        """The protocol's folds; ``[None]`` where it has none."""
        with self._named():
            return partitions.folds(self.utterances, self.rule)

    def fold_or_first(self, fold: int | None) -> int | None:
        """Return a fold of a joint run for this corpus: its own first one where it has none of that number."""
        return fold if fold in self.folds else self.folds[0]

    def divide(self, fold: int | None, limit: int | None = None) -> dict[Partition, list[int]]:
        """Return the indices of each partition's utterances.

        Raises:
            CorpusError: A partition is empty.
        """
        with self._named():
            assigned = partitions.assign(self.utterances, self.rule, fold)
        kept = set(range(len(assigned)))
        if limit is not None:
            kept = set(partitions.limit(assigned, partitions.turns(self.utterances, self.target), limit))
        divided: dict[Partition, list[int]] = {
            part: [i for i, own in enumerate(assigned) if own == part and i in kept] for part in PARTITIONS
        }
        for part, index in divided.items():
            if not index:
                raise CorpusError(f"corpus {self.corpus.name}: protocol {self.protocol!r} leaves {part} empty")
        return divided

    def auxiliary_target(self, name: str) -> Target:
        """Return a further target, for training to learn beside the protocol's.

        Raises:
            ConfigError: The corpus has no such target, or it is the protocol's own.
        """
        known = [*([LABEL] if self.corpus.labels else []), *(one.name for one in self.corpus.targets)]
        if name == self.target.name:
            raise ConfigError(
                f"training.auxiliary: {name!r} is what protocol {self.protocol!r} of {self.corpus.name} is about; "
                "name other targets"
            )
        if name not in known:
            others = [one for one in known if one != self.target.name]
            raise ConfigError(
                f"training.auxiliary: corpus {self.corpus.name} has no target {name!r}{did_you_mean(name, others)}"
            )
        return self.corpus.target(replace(self.rule, target=name))

    def auxiliary(self, name: str) -> tuple[Target, list[tuple[float, ...] | None]]:
        """Return a further target, and what each utterance says of it; None: nothing.

        Raises:
            ConfigError: As ``auxiliary_target`` does; or no utterance says anything.
            CorpusError: An utterance says something else of it than it allows.
        """
        target = self.auxiliary_target(name)
        said = [target_vector(one, target) if has_target(one, target) else None for one in self.utterances]
        if not any(said):
            raise ConfigError(f"training.auxiliary: no clip of {self.corpus.name} has a target {name!r}; leave it out")
        return target, said

    def auxiliary_id(self, name: str) -> str:
        """Return the identity of a further target: its names and scales, and what every utterance says of it."""
        target, said = self.auxiliary(name)
        rows = sorted((one.name, row) for one, row in zip(self.utterances, said, strict=True) if row)
        content = [target.name, target.kind, target.names, target.scales, rows]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]

    def clips(self, index: Sequence[int], auxiliary: Iterable[str] = ()) -> Clips:
        """Return some utterances' audio and targets as tensors.

        Args:
            index: Which utterances.
            auxiliary: Names of further targets that training learns beside the protocol's.
        """
        import torch  # noqa: PLC0415 - planning a matrix does not need it

        from emonet_bench.data.dataset import AuxiliaryTarget, Clips  # noqa: PLC0415 - it needs torch

        chosen = [self.utterances[i] for i in index]
        vectors = torch.tensor([target_vector(utterance, self.target) for utterance in chosen])  # (N, K)
        further = [self.auxiliary(name) for name in auxiliary]
        total = self.audio.path.stat().st_size // 2
        return Clips(
            samples=torch.from_file(str(self.audio.path), shared=False, size=total, dtype=torch.int16),
            starts=torch.from_numpy(self.audio.starts[list(index)]),
            lengths=torch.from_numpy(self.audio.lengths[list(index)]),
            targets=vectors.argmax(-1) if self.target.kind == "label" else vectors,
            labels=self.target.names,
            names=tuple(utterance.name for utterance in chosen),
            speakers=tuple(utterance.speaker for utterance in chosen),
            sampling_rate=self.sampling_rate,
            digests=torch.from_numpy(self.audio.digests[list(index)]),
            target=self.target,
            auxiliary=tuple(
                AuxiliaryTarget(one, torch.tensor([said[i] or [torch.nan] * len(one.names) for i in index]))
                for one, said in further
            ),
        )

    def statistics(self, index: Sequence[int]) -> dict[str, Any]:
        """Count the clips, speakers and labels among some utterances."""
        chosen = [self.utterances[i] for i in index]
        counts: Counter[str | None] = Counter(utterance.label for utterance in chosen)
        if self.target.kind == "label-set":
            counts = Counter(label for utterance in chosen for label in utterance.labels or ())
        counted = self.target.names if self.target.kind in ("label", "label-set") else ()
        return {
            "clips": len(chosen),
            "speakers": len({utterance.speaker for utterance in chosen if utterance.speaker is not None}) or None,
            "labels": {label: counts[label] for label in counted},
        }


def open_corpus(
    corpus: Corpus,
    protocol: str | None,
    sampling_rate: int,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
    *,
    threads: int | None = None,
    skip_bad: bool = False,
) -> OpenCorpus:
    """Load a corpus's utterances and open (on the first time: build) its audio store.

    Args:
        corpus: Which.
        protocol: Name of one of its protocols, with a label map where there is one, see ``label_maps``; None: its
            default.
        sampling_rate: Samples per second of the store.
        cache: The cache directory.
        progress: Called with (clips done, clips in all) while the store is built.
        threads: Files read at once while the store is built; None: one for each core.
        skip_bad: Leave out files that cannot be used.

    Raises:
        ConfigError: The protocol or the label map is not one of the corpus's.
        CorpusError: The corpus is not on this disk, or a label is not among its labels.
        AudioError: Files are broken; names the first of them.
    """
    name, mapped = label_maps.read(corpus, protocol)
    given = CorpusRef.of(corpus.name, protocol or "")
    suffix = SPEAKER_NORMALISED if given.speaker_normalised else ""
    chosen = CorpusRef(corpus.name, name + suffix, given.label_map if mapped else "").division
    used = label_maps.relabelled(corpus, mapped)
    target = corpus.target(corpus.protocols[name])
    utterances = corpus.load()
    _check_apart(corpus, utterances)
    _check(corpus, target, utterances)
    audio = open_store(corpus.name, utterances, sampling_rate, cache, progress, skip_bad=skip_bad, threads=threads)
    news = [mapped.get(utterance.label or "", utterance.label) for utterance in utterances]
    known = [has_target(utterance, target) for utterance in utterances]
    if mapped:
        known = [told and bool(new) for told, new in zip(known, news, strict=True)]
    index = [i for i, told in enumerate(known) if told and utterances[i].name not in audio.bad]
    if not index:
        raise CorpusError(f"corpus {corpus.name}: no utterance has the target {target.name!r}; use another protocol")
    kept = [replace(utterances[i], label=news[i]) for i in index]
    found = coverage(corpus, utterances)
    return OpenCorpus(used, chosen, kept, audio.select(kept, index), sampling_rate, len(audio.bad), found)


def _check_apart(corpus: Corpus, utterances: Sequence[Utterance]) -> None:
    """Hold utterances to names of their own, and those of functions to audio of their own: both are known by text."""
    heard: dict[tuple[str, float, float | None], str] = {}
    for name, count in Counter(utterance.name for utterance in utterances).items():
        if count > 1:
            raise CorpusError(f"corpus {corpus.name}: {count} utterances are called {name!r}; name each its own")
    for utterance in utterances:
        if isinstance(utterance.file, LazyAudio):
            identity = utterance.file.identity
            other = heard.setdefault((identity, utterance.start, utterance.end), utterance.name)
            if other != utterance.name:
                raise CorpusError(
                    f"corpus {corpus.name}: {other} and {utterance.name} have the LazyAudio identity {identity!r}, so "
                    "one would be heard for both; give each its own"
                )


def _check(corpus: Corpus, target: Target, utterances: Sequence[Utterance]) -> None:
    """Hold utterances to what is declared: every label, and all that they say of one target."""
    for utterance in utterances:
        if utterance.label is not None and utterance.label not in corpus.labels:
            raise CorpusError(
                f"corpus {corpus.name}: {utterance.name} has the label {utterance.label!r}, which is not declared"
            )
        if target.kind != "label" and has_target(utterance, target):
            try:
                target_vector(utterance, target)
            except CorpusError as error:
                raise CorpusError(f"corpus {corpus.name}: {error}") from None
