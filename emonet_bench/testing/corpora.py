"""The contract kit for corpora."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus
from emonet_bench.data.partitions import assign, folds
from emonet_bench.data.targets import has_target, target_vector
from emonet_bench.directories import cache_directory
from emonet_bench.errors import CorpusError
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.types import PARTITIONS, Corpus, SplitRule, Utterance, names

RATE = 16_000
"""Samples per second at which audio is decoded: the default of a matrix, whose store is used where there is one."""


@dataclass(frozen=True)
class CorpusBench:
    """A corpus on the bench; its utterances are loaded once."""

    corpus: Corpus

    @cached_property
    def utterances(self) -> Sequence[Utterance]:
        """All utterances."""
        return self.corpus.load()

    def open(self) -> OpenCorpus:
        """Decode all audio, or find it decoded."""
        return open_corpus(self.corpus, None, RATE, cache_directory())


def check_corpus(corpus: str | Corpus) -> None:
    """Hold a corpus to its contracts. Its audio must be on this disk.

    Args:
        corpus: A registered name, or the descriptor itself.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(corpus, str):
        corpus = Plugins().corpora[corpus]
    hold("corpus", corpus.name, CHECKS, CorpusBench(corpus))


def load_repeats(bench: CorpusBench) -> None:
    """``load()`` returns the same utterances in the same order every time, and as many as ``clips`` says."""
    first, again = bench.utterances, bench.corpus.load()
    if not first:
        raise BrokenError("load() found no utterance; it should raise a CorpusError that says where audio is to be had")
    if len(first) != len(again):
        raise BrokenError(f"{len(first)} utterances, then {len(again)}")
    for number, (one, other) in enumerate(zip(first, again, strict=True)):
        if one != other:
            raise BrokenError(f"utterance {number} was {one.name}, then {other.name}; sort what a directory lists")
    if bench.corpus.clips not in (None, len(first)):
        raise BrokenError(f"{len(first)} utterances were found; the corpus says {bench.corpus.clips}")


def names_unique(bench: CorpusBench) -> None:
    """Each utterance has a name of its own: a relative path, POSIX style, the same on every machine."""
    name, count = Counter(utterance.name for utterance in bench.utterances).most_common(1)[0]
    if count > 1:
        raise BrokenError(f"{count} utterances have the name {name!r}")
    for utterance in bench.utterances:
        if not utterance.name or utterance.name.startswith("/") or "\\" in utterance.name:
            raise BrokenError(f"the name {utterance.name!r} is not a relative path with forward slashes")


def labels_found(bench: CorpusBench) -> None:
    """The labels that utterances have are the declared ones, all of them."""
    declared, found = set(bench.corpus.labels), {one.label for one in bench.utterances if one.label is not None}
    if odd := sorted(found - declared):
        raise BrokenError(f"utterances have the label {names(odd)}, which is not declared")
    if odd := sorted(declared - found):
        raise BrokenError(f"no utterance has the declared label {names(odd)}")


def targets_sound(bench: CorpusBench) -> None:
    """What utterances say of each declared target is what it allows."""
    for target, utterance in product(bench.corpus.targets, bench.utterances):
        try:
            if has_target(utterance, target):
                target_vector(utterance, target)
        except CorpusError as error:
            raise BrokenError(str(error)) from error


def partitions_apart(bench: CorpusBench) -> None:
    """In every fold of every protocol no partition is empty, and none shares a speaker (or what ``by`` names)."""
    for protocol, rule in bench.corpus.protocols.items():
        for fold in folds(bench.utterances, rule):
            _hold_apart(
                bench.utterances, rule, fold, f"protocol {protocol!r}" + ("" if fold is None else f", fold {fold}")
            )


def audio_decodes(bench: CorpusBench) -> None:
    """Every utterance's audio exists, can be decoded, and is neither empty, nor cut short, nor silent."""
    bench.open()


def fingerprint_stable(bench: CorpusBench) -> None:
    """Audio and labels have the same fingerprint every time, and the declared one where one is declared."""
    first, again = bench.open().fingerprint, bench.open().fingerprint
    if first != again:
        raise BrokenError(f"the fingerprint was {first}, then {again}; load() must not write audio anew")
    if bench.corpus.fingerprint not in (None, first):
        raise BrokenError(f"the fingerprint is {first}; the corpus says {bench.corpus.fingerprint}")


CHECKS = (load_repeats, names_unique, labels_found, targets_sound, partitions_apart, audio_decodes, fingerprint_stable)
"""In the order in which they help most; each one's docstring is the contract."""


def _hold_apart(utterances: Sequence[Utterance], rule: SplitRule, fold: int | None, where: str) -> None:
    of_group: dict[str, str] = {}
    assigned = assign(utterances, rule, fold)
    for utterance, partition in zip(utterances, assigned, strict=True):
        group = getattr(utterance, rule.by)
        if group is not None and of_group.setdefault(group, partition) != partition:
            raise BrokenError(f"{where}: {rule.by} {group!r} is in {of_group[group]} and in {partition}")
    if set(assigned) != set(PARTITIONS):
        raise BrokenError(f"{where}: {names(sorted(set(PARTITIONS) - set(assigned)))} is empty")
