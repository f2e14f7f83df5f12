"""Completeness: clips, rows and speakers without which no verdict on a corpus can be clean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emonet_bench.audit.findings import Finding, Level, some
from emonet_bench.data.coverage import Coverage
from emonet_bench.types import SplitRule, Utterance


def gaps(known: Coverage, rule: SplitRule, utterances: Sequence[Utterance] = ()) -> Iterator[Finding]:
    """Yield what is missing of a corpus, and what is not known of it.

    Args:
        known: How much of it was found.
        rule: The protocol's.
        utterances: What ``Corpus.load`` returned, to name what it passed over.
    """
    if known.expected not in (None, known.found):
        level: Level = "warning" if known.complete else "unknown"
        yield Finding("counts", level, f"{known.found} clips; {known.expected} are expected")
    level = "note" if known.complete else "unknown"
    if known.unmatched_files:
        told = f"{known.unmatched_files} audio files are no clip: no pattern fits their names, or nothing tells a label"
        yield Finding("files", level, told, some(getattr(utterances, "unmatched_files", ())))
    if known.unmatched_rows:
        told = f"{known.unmatched_rows} rows of tables are no clip: no pattern fits them, or their file is missing"
        yield Finding("rows", level, told, some(getattr(utterances, "unmatched_rows", ())))
    yield from _speakers(known, rule)


def _speakers(known: Coverage, rule: SplitRule) -> Iterator[Finding]:
    """Yield that speakers are unknown; it is only a note where the protocol keeps something else apart instead."""
    if not known.speakers_unknown:
        return
    apart = rule.by == "text" or (rule.by == "session" and known.speakers_unknown == known.found)
    level: Level = "note" if apart and (rule.folds is not None or rule.fixed is not None) else "unknown"
    count = f"{known.speakers_unknown} of {known.found} clips have no speaker"
    yield Finding("speakers", level, f"{count}: whether partitions share voices cannot be told")
