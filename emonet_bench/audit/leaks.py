"""Leaks between partitions: shared speakers, sessions and texts, and the same audio under two names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from emonet_bench.audit.findings import Finding, Level, bad_files, some
from emonet_bench.audit.gaps import gaps
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.data.partitions import assign, folds
from emonet_bench.types import PARTITIONS, Partition, SplitRule, Utterance

Divisions = Sequence[Sequence[Partition]]
"""The partition of every utterance in each fold."""


def quick(corpus: OpenCorpus) -> list[Finding]:
    """Audit what needs no listening: what is missing, overlaps between partitions, and identical audio."""
    divided = divisions(corpus.utterances, corpus.rule)
    return [
        *gaps(corpus.coverage, corpus.rule),
        *([bad_files(corpus.skipped_files)] if corpus.skipped_files else ()),
        *overlaps(corpus.utterances, corpus.rule, divided),
        *identical(corpus.utterances, corpus.audio.digests, divided),
    ]


def divisions(utterances: Sequence[Utterance], rule: SplitRule) -> Divisions:
    """Divide a corpus in every fold of a protocol."""
    return [assign(utterances, rule, fold) for fold in folds(utterances, rule)]


def overlaps(utterances: Sequence[Utterance], rule: SplitRule, divided: Divisions) -> Iterator[Finding]:
    """Yield the speakers, sessions and texts that two partitions share in a fold.

    A speaker shared with test is a leak, unless the protocol is one that keeps texts apart instead; shared by train and
    dev, it makes dev scores too good, and is a warning. A shared session may tell the room and the microphone. Shared
    texts are common in acted corpora and are only noted.
    """
    levels: dict[str, Level] = {
        "speaker": "warning" if rule.by == "text" and rule.folds is not None else "leak",
        "session": "warning",
        "text": "note",
    }
    for key, level in levels.items():
        groups = [getattr(utterance, key) for utterance in utterances]
        shared: dict[tuple[Partition, Partition], set[str]] = defaultdict(set)
        for partitions in divided:
            for pair, both in _shared(groups, partitions).items():
                shared[pair] |= both
        for (one, other), both in shared.items():
            what = f"{len(both)} {key}{'s' * (len(both) > 1)}"
            own: Level = "warning" if level == "leak" and other != "test" else level
            yield Finding(f"{key}s", own, f"{one} and {other} share {what}: {_listed(both)}")


def _shared(
    groups: Sequence[str | None], partitions: Sequence[Partition]
) -> dict[tuple[Partition, Partition], set[str]]:
    present: dict[Partition, set[str]] = {part: set() for part in PARTITIONS}
    for group, partition in zip(groups, partitions, strict=True):
        if group is not None:
            present[partition].add(group)
    pairs = {(one, other): present[one] & present[other] for one, other in combinations(PARTITIONS, 2)}
    return {pair: both for pair, both in pairs.items() if both}


def identical(utterances: Sequence[Utterance], digests: NDArray[np.uint8], divided: Divisions) -> Iterator[Finding]:
    """Yield the clips whose decoded audio is the same.

    Args:
        utterances: N utterances.
        digests: (N, 32) hashes of their decoded audio.
        divided: Their partitions.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for place, digest in enumerate(digests):
        groups[digest.tobytes()].append(place)
    twins = [group for group in groups.values() if len(group) > 1]
    yield from _doubled("identical", "clips of identical audio", utterances, twins, divided)


def near(
    utterances: Sequence[Utterance], pairs: Mapping[tuple[int, int], float], divided: Divisions
) -> Iterator[Finding]:
    """Yield the clips that sound the same: copies in another coding, at another rate or loudness, or cut.

    Args:
        utterances: The corpus.
        pairs: Places of two clips and the share of bits in which their fingerprints differ.
        divided: Their partitions.
    """
    yield from _doubled("near-duplicates", "clips that sound the same", utterances, pairs, divided)


def _doubled(
    check: str, what: str, utterances: Sequence[Utterance], groups: Iterable[Collection[int]], divided: Divisions
) -> Iterator[Finding]:
    found: dict[tuple[Level, str], list[str]] = defaultdict(list)
    for group in groups:
        names = " = ".join(sorted(utterances[place].name for place in group))
        places = [{partitions[place] for place in group} for partitions in divided]
        if any("test" in parts and len(parts) > 1 for parts in places):
            found["leak", "in test and another partition"].append(names)
        elif any(len(parts) > 1 for parts in places):
            found["warning", "in train and dev"].append(names)
        else:
            found["warning", "within a partition"].append(names)
        if len({utterances[place].label for place in group}) > 1:
            found["warning", "with different labels"].append(names)
    for (level, where), groups_there in found.items():
        yield Finding(check, level, f"{len(groups_there)} groups of {what} {where}", some(groups_there))


def _listed(names: Collection[str], most: int = 5) -> str:
    return ", ".join(some(names, most)) + (", ..." if len(names) > most else "")
