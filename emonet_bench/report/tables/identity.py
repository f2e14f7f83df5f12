"""Identity: which runs may be averaged and compared, and which only look alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from emonet_bench.report.reading import CorpusResult
from emonet_bench.report.tables.rows import Row


class RowKey(NamedTuple):
    """What runs must have in common to be averaged and compared.

    Attributes:
        corpus: Name of the corpus.
        protocol: Name of the protocol.
        protocol_id: Which clips are in which partition, under which labels.
        limit: Most clips of a partition in a smoke run, 0: all.
        fingerprint: What is heard and how it is labelled.
        labels: The declared labels, sorted.
    """

    corpus: str
    protocol: str
    protocol_id: str
    limit: int
    fingerprint: str
    labels: tuple[str, ...]


def row_keys(records: Iterable[CorpusResult]) -> Callable[[CorpusResult], RowKey]:
    """Say which row a record belongs to; one that failed before it knew its clips joins the others."""
    seen: dict[tuple[str, str, int], Counter[RowKey]] = defaultdict(Counter)
    for record in records:
        if record.facts.protocol_id:
            key = _own_key(record)
            seen[key.corpus, key.protocol, key.limit][key] += 1

    def key_of(record: CorpusResult) -> RowKey:
        own = _own_key(record)
        if record.state == "done" or own.fingerprint:
            return own
        known = [key for key, _ in seen[own.corpus, own.protocol, own.limit].most_common()]
        return next((key for key in known if own.protocol_id in ("", key.protocol_id)), own)

    return key_of


def _own_key(record: CorpusResult) -> RowKey:
    facts = record.facts
    limit: int = record.variant.get("training.limit") or 0
    labels = tuple(sorted(facts.labels))
    return RowKey(record.corpus, record.protocol, facts.protocol_id, limit, facts.fingerprint, labels)


def distinguished(rows: Sequence[Row], keys: Sequence[RowKey]) -> list[Row]:
    """Give rows of the same corpus, protocol and limit what tells them apart.

    Args:
        rows: Any rows.
        keys: Theirs, in the same order.
    """
    alike: dict[tuple[str, str, int], list[RowKey]] = defaultdict(list)
    for key in keys:
        alike[key.corpus, key.protocol, key.limit].append(key)
    return [
        replace(row, distinction=_distinction(key, alike[key.corpus, key.protocol, key.limit]))
        for row, key in zip(rows, keys, strict=True)
    ]


def _distinction(key: RowKey, others: Sequence[RowKey]) -> str:
    parts = []
    if len({other.protocol_id for other in others}) > 1:
        parts.append(key.protocol_id[:8] or "without id")
    if len({other.fingerprint for other in others}) > 1:
        parts.append(f"audio {key.fingerprint[:8] or 'unknown'}")
    if len(others) > 1 and len({other[2:5] for other in others}) < len(others):
        parts.append(f"labels {', '.join(key.labels)}")
    return " ".join(parts)


def split_sources(records: Sequence[CorpusResult]) -> list[CorpusResult]:
    """Tell apart what started from sources that are called alike and were trained on different audio.

    Args:
        records: All runs, the sources among them as far as they are at hand.
    """
    heard: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if fingerprint := record.facts.fingerprint:
            heard[record.run_id].add(fingerprint)
    called: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for record in records:
        if record.source in heard:
            called[_source_title(record)].add(tuple(sorted(heard[record.source])))
    return [
        _with_audio(record, sorted(heard[record.source]))
        if record.source in heard and len(called[_source_title(record)]) > 1
        else record
        for record in records
    ]


def _source_title(record: CorpusResult) -> str:
    return record.trained_on or str(record.variant.get("source"))


def _with_audio(record: CorpusResult, fingerprints: Sequence[str]) -> CorpusResult:
    title = f"{_source_title(record)} audio {'+'.join(mark[:8] for mark in fingerprints)}"
    if record.trained_on:
        return replace(record, trained_on=title)
    return replace(record, variant={**record.variant, "source": title})
