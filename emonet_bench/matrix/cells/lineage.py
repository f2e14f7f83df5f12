"""Lineage: what a network, and whatever it started from, heard of the clips that it is tested on."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import EmonetBenchError, StoreError
from emonet_bench.matrix.cells.heard import Hearing
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import RunSpec
from emonet_bench.runs.store import RunStore
from emonet_bench.types import Partition

_HEARD: tuple[Partition, ...] = ("train", "dev")


def shared_clips(hearing: Hearing, opened: Mapping[str, OpenCorpus], source: Path | None) -> dict[str, int]:
    """Count the test clips of each corpus whose audio was heard in train or dev of another corpus or by a source.

    What a run hears of a corpus itself is the matter of that corpus's audit. Corpora that are not at hand, and
    checkpoints that lie without a record, cannot be asked.

    Args:
        hearing: The corpora of the cell.
        opened: Those that it is trained for.
        source: The run or checkpoint that it starts from.

    Returns:
        The corpora of which there are any.
    """
    spec, limit = hearing.spec, hearing.spec.training.limit
    own = {name: set(_digests(corpus, spec.fold, limit, _HEARD)) for name, corpus in opened.items()}
    before = {digest for ancestor in lineage(source) for digest in _heard_by(ancestor, hearing)}
    counts = {}
    for name, corpus in opened.items():
        heard = before.union(*(digests for other, digests in own.items() if other != name))
        counts[name] = sum(digest in heard for digest in _digests(corpus, spec.fold, limit, ("test",)))
    return {name: count for name, count in counts.items() if count}


def lineage(source: Path | None) -> Iterator[RunSpec]:
    """Yield what a run was, then what it started from, and so on, as far as the records lie beside it.

    Args:
        source: A run's directory or a checkpoint in it; None: nothing.
    """
    record = None if source is None else _record(source if source.is_dir() else source.parent)
    seen: set[str] = set()
    while source is not None and record is not None and record.run_id not in seen:
        seen.add(record.run_id)
        yield record.spec
        directory = source if source.is_dir() else source.parent
        started_from = record.spec.source
        record = _beside(directory.resolve().parent, started_from) if started_from else None


def _beside(folder: Path, source: str) -> RunRecord | None:
    """Find the run of that id, or the one whose weights have that hash."""
    named = sorted(folder.glob(f"*-{glob.escape(source[:8])}"))
    for directory in named or RunStore(folder).directories():
        record = _record(directory)
        if record is not None and source in (record.run_id, *record.files.values()):
            return record
    return None


def _record(directory: Path) -> RunRecord | None:
    try:
        return RunFiles(directory).read_record() if RunFiles(directory).is_run() else None
    except StoreError:
        return None


def _heard_by(spec: RunSpec, hearing: Hearing) -> Iterator[bytes]:
    """Yield what identifies the audio that a run heard in train or dev, at the sampling rate of the cell."""
    for refs, parts in ((spec.trained_corpora(), _HEARD), (spec.unlabelled_corpora(), _HEARD[:1])):
        for ref in refs:
            try:
                corpus = hearing.open_one(ref)
                yield from _digests(corpus, spec.fold, spec.training.limit, parts)
            except EmonetBenchError:
                continue  # not at hand, or no longer divided so


def _digests(corpus: OpenCorpus, fold: int | None, limit: int | None, parts: Sequence[Partition]) -> Iterator[bytes]:
    divided = corpus.divide(corpus.fold_or_first(fold), limit)
    return (corpus.audio.digests[place].tobytes() for part in parts for place in divided[part])
