"""The whole audit of a corpus under one protocol."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from emonet_bench.audio import fingerprint
from emonet_bench.audit import fingerprints
from emonet_bench.audit.findings import Finding, bad_files, some
from emonet_bench.audit.gaps import gaps
from emonet_bench.audit.leaks import Divisions, divisions, identical, near, overlaps
from emonet_bench.audit.signal_checks import ClipStats
from emonet_bench.data.coverage import coverage
from emonet_bench.errors import AudioError
from emonet_bench.types import PARTITIONS, Corpus, SplitRule, Utterance

NARROW = 0.75
"""Share of the declared bandwidth below which a clip was probably recorded at a lower rate."""
OFFSET = 0.01
"""Largest mean of the samples, full scale is 1."""
SILENCE = 0.5
"""Largest share of a clip that is 50 dB below its loudest frame."""
ALIKE = 0.8
"""Similarity of two labels that are probably one, misspelt."""


def whole(
    corpus: Corpus,
    utterances: Sequence[Utterance],
    rule: SplitRule,
    heard: Sequence[ClipStats | AudioError],
    others: Mapping[bytes, str],
) -> list[Finding]:
    """Audit a corpus.

    Args:
        corpus: What is expected of it.
        utterances: N utterances.
        rule: The protocol's.
        heard: (N,) what was heard in each.
        others: Hashes of other corpora's decoded audio, and where they were found.
    """
    bad = {u.name: str(clip) for u, clip in zip(utterances, heard, strict=True) if isinstance(clip, AudioError)}
    pairs = [(u, clip) for u, clip in zip(utterances, heard, strict=True) if isinstance(clip, ClipStats)]
    used, clips = [utterance for utterance, _ in pairs], [clip for _, clip in pairs]
    findings = [
        *gaps(coverage(corpus, utterances), rule, utterances),
        *([bad_files(len(bad), (f"{name}: {reason}" for name, reason in bad.items()))] if bad else ()),
        *_expected(corpus, utterances, used, clips),
        *_spelling(corpus.labels),
    ]
    if not used:
        return findings
    divided = divisions(used, rule)
    return [
        *findings,
        *_missing(corpus.labels, used, divided),
        *overlaps(used, rule, divided),
        *identical(used, _digests(clips), divided),
        *near(used, _similar(clips), divided),
        *_elsewhere(used, clips, others),
        *_sound(used, clips),
    ]


def _digests(clips: Sequence[ClipStats]) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Return the (N, 32) hashes of the clips' audio."""
    return np.frombuffer(b"".join(clip.digest for clip in clips), np.uint8).reshape(-1, 32)


def _similar(clips: Sequence[ClipStats]) -> dict[tuple[int, int], float]:
    pairs = fingerprints.same([clip.prints for clip in clips])
    return {pair: rate for pair, rate in pairs.items() if clips[pair[0]].digest != clips[pair[1]].digest}


def _expected(
    corpus: Corpus, utterances: Sequence[Utterance], used: Sequence[Utterance], clips: Sequence[ClipStats]
) -> Iterator[Finding]:
    speakers = {utterance.speaker for utterance in utterances} - {None}
    wanted = corpus.facts.get("speakers")
    if wanted is not None and speakers and wanted != str(len(speakers)):
        yield Finding("counts", "warning", f"{len(speakers)} speakers; {wanted} are expected")
    for label in sorted({utterance.label for utterance in utterances if utterance.label} - set(corpus.labels)):
        yield Finding("labels", "warning", f"the label {label!r} is not declared")
    content = fingerprint(used, _digests(clips))
    if corpus.fingerprint not in (None, content):
        yield Finding("content", "warning", f"content {content} is not the pinned {corpus.fingerprint}")


def _spelling(labels: Sequence[str]) -> Iterator[Finding]:
    for label in labels:
        if label != " ".join(label.split()):
            yield Finding("labels", "warning", f"the label {label!r} has stray spaces")
    for one, other in combinations(labels, 2):
        first, second = ("".join(filter(str.isalpha, label.casefold())) for label in (one, other))
        if first and second and difflib.SequenceMatcher(None, first, second).ratio() >= ALIKE:
            yield Finding("labels", "warning", f"the labels {one!r} and {other!r} look like one")


def _missing(labels: Sequence[str], utterances: Sequence[Utterance], divided: Divisions) -> Iterator[Finding]:
    for fold, partitions in enumerate(divided):
        where = "" if len(divided) == 1 else f"fold {fold}: "
        pairs = zip(utterances, partitions, strict=True)
        counts = Counter((part, utterance.label) for utterance, part in pairs)
        for part in PARTITIONS:
            gone = [label for label in labels if not counts[part, label]]
            if gone:
                yield Finding("classes", "warning", f"{where}{part} has no {', '.join(gone)}")


def _elsewhere(
    utterances: Sequence[Utterance], clips: Sequence[ClipStats], others: Mapping[bytes, str]
) -> Iterator[Finding]:
    found = [f"{u.name} = {others[c.digest]}" for u, c in zip(utterances, clips, strict=True) if c.digest in others]
    if found:
        yield Finding("identical", "warning", f"{len(found)} clips are in another corpus, too", some(found))


def _sound(utterances: Sequence[Utterance], clips: Sequence[ClipStats]) -> Iterator[Finding]:
    checks = {
        "clipping": ("are clipped", [clip.clipped for clip in clips]),
        "offset": (f"have an offset above {OFFSET:.0%} of full scale", [abs(clip.offset) > OFFSET for clip in clips]),
        "silence": ("are silent for more than half of their length", [clip.quiet > SILENCE for clip in clips]),
        "bandwidth": (
            "hold nothing in the upper part of their declared bandwidth: probably recorded at a lower rate",
            [clip.bandwidth < NARROW * clip.rate / 2 for clip in clips],
        ),
    }
    for check, (words, flags) in checks.items():
        names = [utterance.name for utterance, flag in zip(utterances, flags, strict=True) if flag]
        if names:
            yield Finding(check, "warning", f"{len(names)} of {len(clips)} clips {words}", some(names))
