"""Who trains, who selects and who tests: a protocol's split rule carried out, the same on every machine."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from operator import gt
from statistics import median
from typing import TYPE_CHECKING, Any

from emonet_bench.data.targets import target_vector
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.types import LABEL, PARTITIONS, Partition, SplitRule, Target, Utterance, names

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

SELECTION = "best dev UAR; test once"
"""That runs are selected on dev and tested once: part of every protocol id, in the words of the first.

The metric that selects is ``training.selection``, which is part of a run's id and stands in its record, not of the
protocol: whoever selects by another one is compared on the same clips.
"""


def folds(utterances: Sequence[Utterance], rule: SplitRule) -> list[int | None]:
    """List the folds of a protocol; ``[None]`` where it has a single split.

    Raises:
        ConfigError: There are too few.

    >>> folds([], SplitRule(folds=3))
    [0, 1, 2]
    """
    if rule.folds is None:
        return [None]
    if rule.folds == "each":
        return list(range(len(_groups(utterances, rule))))
    count = rule.folds if isinstance(rule.folds, int) else len(rule.folds)
    if count < 1:
        raise ConfigError(f"{count} folds: a protocol needs three at least, to test, to select and to train")
    return list(range(count))


def assign(utterances: Sequence[Utterance], rule: SplitRule, fold: int | None) -> list[Partition]:
    """Give every utterance its partition.

    Group k-fold: groups are taken by falling number of clips, ties by the SHA-256 of ``"<seed>:<group>"``. Each goes to
    the fold that has least of its labels (smallest dot product of the two label counts), then to the smallest, then to
    the first. Fold k tests, fold k + 1 (cyclically) is dev, the others train. No label counts as one more.

    Leave-one-group-out: the k-th group in sorted order tests, the ``dev_groups`` that follow (cyclically) are dev.
    Where the rule names the groups of each fold, those of fold k test and those of fold k + 1 (cyclically) are dev.

    Args:
        utterances: The whole corpus.
        rule: The protocol's.
        fold: Which fold, from 0; None where the rule has none.

    Returns:
        One partition for each utterance. None of the three is empty.

    Raises:
        ConfigError: The fold is missing, superfluous or out of range.
        CorpusError: The rule does not fit the corpus.
    """
    _check_fold(folds(utterances, rule), fold)
    if rule.fixed is None and fold is None:
        partitions = [_own(utterance) for utterance in utterances]
    else:
        of_group = _fixed(utterances, rule) if fold is None else _rotated(utterances, rule, fold)
        partitions = [of_group[_group(utterance, rule)] for utterance in utterances]
    for missing in sorted(set(PARTITIONS) - set(partitions)):
        raise CorpusError(f"partition {missing} has no utterance; complete the corpus or choose another protocol")
    return partitions


def protocol_id(
    target: Target,
    utterances: Sequence[Utterance],
    rule: SplitRule,
    *,
    limit: int | None = None,
    speaker_normalised: bool = False,
) -> str:
    """Identify what may be compared: label set in order, who is in which partition, that selection is on dev.

    All folds of a protocol share one id: it covers the whole fold structure. Of another target than the label it covers
    its kind, its scales and what every utterance says of it, too: a fingerprint knows labels only.

    Args:
        target: What the protocol is about, its names in declared order.
        utterances: The whole corpus.
        rule: The protocol's.
        limit: Most clips of each partition, in a smoke run.
        speaker_normalised: Whether features are standardised by speaker: a protocol of its own.

    Returns:
        12 hexadecimal digits.

    Raises:
        CorpusError: The rule does not fit the corpus.
    """
    every_fold = [assign(utterances, rule, fold) for fold in folds(utterances, rule)]
    split = sorted(zip((utterance.name for utterance in utterances), *every_fold, strict=True))
    content: list[Any] = [list(target.names), split, SELECTION, *([] if limit is None else [limit])]
    if speaker_normalised:
        content.append("features standardised by speaker over all of their clips")
    if target.name != LABEL:
        truth = sorted((utterance.name, target_vector(utterance, target)) for utterance in utterances)
        content.append([target.name, target.kind, target.scales, truth])
        if limit is not None and target.kind != "label":
            content.append("taken in turn by what the target says")  # before, by the order of the clips
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def limit(partitions: Sequence[Partition], labels: Sequence[Hashable], count: int) -> list[int]:
    """Keep at most so many clips of each partition, taking the labels in turn.

    Args:
        partitions: (N,) of the utterances.
        labels: (N,) of the utterances, or what stands for them, see ``turns``.
        count: Most clips of a partition.

    Returns:
        Indices kept, in rising order.

    >>> limit(["train"] * 4 + ["test"], ["sadness", "sadness", "sadness", "anger", "anger"], 2)
    [0, 3, 4]
    """
    seen: Counter[tuple[Partition, Hashable]] = Counter()
    order = []
    for index, key in enumerate(zip(partitions, labels, strict=True)):
        order.append((seen[key], index))
        seen[key] += 1
    taken: Counter[Partition] = Counter()
    kept = []
    for _, index in sorted(order):
        if taken[partitions[index]] < count:
            taken[partitions[index]] += 1
            kept.append(index)
    return sorted(kept)


def turns(utterances: Sequence[Utterance], target: Target) -> list[Hashable]:
    """Return of each utterance what a limit takes in turn: alike clips have the same.

    That is the label; of votes the name with most of them; of a label set the set; of values whether each attribute is
    above the median of all utterances.

    Args:
        utterances: (N,), which have the target.
        target: What is predicted.
    """
    if target.kind == "label":
        return [utterance.label for utterance in utterances]
    vectors = [target_vector(utterance, target) for utterance in utterances]
    if target.kind == "votes":
        return [vector.index(max(vector)) for vector in vectors]
    if target.kind == "label-set":
        return list(vectors)
    middles = [median(each) for each in zip(*vectors, strict=True)]
    return [tuple(map(gt, vector, middles)) for vector in vectors]


def _check_fold(known: list[int | None], fold: int | None) -> None:
    if fold not in known:
        remedy = "leave the fold out" if known == [None] else f"choose one of 0 to {len(known) - 1}"
        raise ConfigError(f"fold {fold}: the protocol {'has no folds' if known == [None] else 'has folds'}; {remedy}")


def _own(utterance: Utterance) -> Partition:
    if utterance.partition is None:
        raise CorpusError(f"{utterance.name}: the protocol takes partitions from the corpus, which gives this one none")
    return utterance.partition


def _group(utterance: Utterance, rule: SplitRule) -> str:
    group: str | None = getattr(utterance, rule.by)
    if group is None:
        raise CorpusError(f"{utterance.name}: the protocol divides the corpus by {rule.by}, which is unknown here")
    return group


def _groups(utterances: Sequence[Utterance], rule: SplitRule) -> list[str]:
    return sorted({_group(utterance, rule) for utterance in utterances})


def _fixed(utterances: Sequence[Utterance], rule: SplitRule) -> dict[str, Partition]:
    of_group: dict[str, Partition] = {}
    for partition, groups in (rule.fixed or {}).items():
        for group in groups:
            if of_group.setdefault(group, partition) != partition:
                raise ConfigError(f"{rule.by} {group!r} stands in two partitions: {of_group[group]} and {partition}")
    if strangers := [group for group in _groups(utterances, rule) if group not in of_group]:
        raise CorpusError(f"the protocol gives no partition to {rule.by} {names(strangers)}; add it to the protocol")
    return of_group


def _rotated(utterances: Sequence[Utterance], rule: SplitRule, fold: int) -> dict[str, Partition]:
    groups = _groups(utterances, rule)
    if rule.folds == "each":
        place, count, dev = {group: place for place, group in enumerate(groups)}, len(groups), rule.dev_groups
    elif isinstance(rule.folds, tuple):
        place, count, dev = _named(groups, rule), len(rule.folds), 1
    else:
        place, count, dev = _dealt(utterances, rule), len(folds(utterances, rule)), 1
    if len(groups) < count:
        raise CorpusError(
            f"{count} folds need as many groups by {rule.by}; there are {len(groups)}; complete the corpus, or choose "
            "another protocol: one of fewer folds, or one that leaves each group out in turn, such as loso"
        )
    if count < dev + 2:
        raise CorpusError(
            f"{count} folds by {rule.by}, one for test and {dev} for dev, leave none to train; it takes {dev + 2}"
        )
    roles: list[Partition] = ["test", *["dev"] * dev, *["train"] * (count - 1 - dev)]  # type: ignore[list-item]
    return {group: roles[(place[group] - fold) % count] for group in groups}


def _named(groups: Sequence[str], rule: SplitRule) -> dict[str, int]:
    """Give groups the folds that a rule names."""
    assert isinstance(rule.folds, tuple)
    place: dict[str, int] = {}
    for fold, own in enumerate(rule.folds):
        for group in own:
            if place.setdefault(group, fold) != fold:
                raise ConfigError(f"{rule.by} {group!r} stands in two folds: {place[group]} and {fold}")
    if strangers := [group for group in groups if group not in place]:
        raise CorpusError(f"the protocol gives no fold to {rule.by} {names(strangers)}; add it to the protocol")
    return place


def _dealt(utterances: Sequence[Utterance], rule: SplitRule) -> dict[str, int]:
    """Deal groups into k folds; ``assign`` says how."""
    count = rule.folds if isinstance(rule.folds, int) else 0
    content: dict[str, Counter[str]] = {}
    for utterance in utterances:
        content.setdefault(_group(utterance, rule), Counter())[utterance.label or ""] += 1
    order = sorted(content, key=lambda group: (-content[group].total(), _hash(f"{rule.seed}:{group}")))
    piles: list[Counter[str]] = [Counter() for _ in range(count)]
    place = {}
    for group in order:
        crowding = [sum(pile[label] * n for label, n in content[group].items()) for pile in piles]
        fold = min(range(len(piles)), key=lambda k: (crowding[k], piles[k].total(), k))
        piles[fold] += content[group]
        place[group] = fold
    return place


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
