"""Subgroups: scores by gender, age, language, text and speaker, as far as the corpus tells, and the largest gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from emonet_bench.data.demographics import demographics_of
from emonet_bench.metrics.bootstrap import percentile_interval, resampled
from emonet_bench.model_card.record import DEMOGRAPHIC, Estimate, Gap, GroupScore, Subgroups
from emonet_bench.model_card.scoring import Scored
from emonet_bench.types import Corpus

ATTRIBUTES = (*DEMOGRAPHIC, "text", "speaker")
LEAST = 10
"""Groups of fewer clips are shown, but make no gap."""

Floats = NDArray[np.float64]
Members = Mapping[str, NDArray[np.int64]]
"""The places of each group's clips."""


def subgroups(scored: Scored, corpus: Corpus) -> Subgroups:
    """Score each group of each attribute that the corpus tells.

    Args:
        scored: The clips.
        corpus: Theirs.
    """
    told = _told(scored, corpus)
    groups, gaps = [], []
    for attribute, members in _grouped(told).items():
        groups += [_group(scored, attribute, name, places) for name, places in members.items()]
        gap = _largest_gap(scored, attribute, members)
        gaps += [] if gap is None else [gap]
    unknown = {attribute: values.count(None) for attribute, values in told.items() if None in values}
    return Subgroups(groups=groups, gaps=gaps, unknown=unknown)


def members_of(scored: Scored, corpus: Corpus) -> dict[str, Members]:
    """Group clips by each attribute that the corpus tells."""
    return _grouped(_told(scored, corpus))


def _grouped(told: Mapping[str, Sequence[str | None]]) -> dict[str, Members]:
    return {attribute: _members(told[attribute]) for attribute in ATTRIBUTES}


def _told(scored: Scored, corpus: Corpus) -> dict[str, list[str | None]]:
    """Tell the value (N,) of each attribute, None where it is unknown."""
    utterances = scored.clips.utterances
    known = [demographics_of(corpus, one) for one in utterances]
    only = corpus.languages[0] if len(corpus.languages) == 1 else None
    found = {name: [one.get(name) for one in known] for name in DEMOGRAPHIC}
    found["language"] = [value or only for value in found["language"]]
    return {**found, "text": [one.text for one in utterances], "speaker": list(scored.speakers)}


def _members(values: Sequence[str | None]) -> Members:
    names = sorted({value for value in values if value is not None})
    return {name: np.flatnonzero([value == name for value in values]) for name in names}


def _counts(scored: Scored, places: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return hits and clips of each label, both (n, K), of some clips."""
    targets, predicted = scored.targets[places], scored.probabilities.argmax(axis=1)[places]
    truth = np.eye(len(scored.labels))[targets]
    return truth * (targets == predicted)[:, None], truth


def _recall(hits: Floats, clips: Floats, whole: Floats) -> Floats:
    """Divide hits (B, K) by clips (B, K); a label that a resample lacks keeps its recall (K,) in the whole group."""
    return np.where(clips > 0, hits / np.maximum(clips, 1), whole)


def _resampled_uar(scored: Scored, places: NDArray[np.int64], labels: Sequence[int], seed: int) -> tuple[float, Floats]:
    """Return a group's mean recall over some labels, and those of its resamples (B,)."""
    hits, clips = (side[:, labels] for side in _counts(scored, places))
    sums = resampled(np.concatenate([hits, clips], axis=1), [scored.speakers[place] for place in places], seed=seed)
    whole = hits.sum(axis=0) / np.maximum(clips.sum(axis=0), 1)
    hit, drawn = np.split(sums, 2, axis=1)
    return float(whole.mean()), _recall(hit, drawn, whole).mean(axis=1)


def _group(scored: Scored, attribute: str, name: str, places: NDArray[np.int64]) -> GroupScore:
    hits, clips = (side.sum(axis=0) for side in _counts(scored, places))
    guesses = np.bincount(scored.probabilities.argmax(axis=1)[places], minlength=len(scored.labels))
    value, resamples = _resampled_uar(scored, places, np.flatnonzero(clips).tolist(), seed=0)
    low, high = percentile_interval(resamples)
    speakers = {scored.speakers[place] for place in places}
    return GroupScore(
        attribute=attribute,
        group=name,
        clips=len(places),
        speakers=None if None in speakers else len(speakers),
        uar=Estimate(value=value, low=low, high=high),
        recall=_shares(scored.labels, hits, clips),
        precision=_shares(scored.labels, hits, guesses),
    )


def _shares(labels: Sequence[str], hits: Floats, counts: NDArray[np.generic]) -> dict[str, float | None]:
    pairs = zip(labels, hits.tolist(), counts.tolist(), strict=True)
    return {label: hit / count if count else None for label, hit, count in pairs}


def _largest_gap(scored: Scored, attribute: str, members: Members) -> Gap | None:
    """Compare every two groups on the labels that both have, and keep the pair that is furthest apart."""
    large = {name: places for name, places in members.items() if len(places) >= LEAST}
    found = [_gap(scored, attribute, large, pair) for pair in combinations(large, 2)]
    return max((gap for gap in found if gap), key=lambda gap: gap.gap.value, default=None)


def _gap(scored: Scored, attribute: str, members: Members, pair: tuple[str, str]) -> Gap | None:
    clips = [_counts(scored, members[name])[1].sum(axis=0) for name in pair]
    shared = np.flatnonzero((clips[0] > 0) & (clips[1] > 0)).tolist()
    if not shared:
        return None
    sides = {name: _resampled_uar(scored, members[name], shared, seed) for seed, name in enumerate(pair)}
    best, worst = sorted(pair, key=lambda name: -sides[name][0])
    low, high = percentile_interval(sides[best][1] - sides[worst][1])
    alone = any(len({scored.speakers[place] for place in members[name]}) == 1 for name in pair)
    return Gap(
        attribute=attribute,
        best=best,
        worst=worst,
        gap=Estimate(value=sides[best][0] - sides[worst][0], low=low, high=high),
        labels=len(shared),
        one_speaker=alone and attribute != "speaker",
    )


def worst_first(found: Subgroups, attribute: str, most: int = 12) -> Iterator[GroupScore]:
    """Yield the groups of an attribute by their UAR, the worst first, and no more than so many."""
    groups = [group for group in found.groups if group.attribute == attribute]
    yield from sorted(groups, key=lambda group: group.uar.value)[:most]
