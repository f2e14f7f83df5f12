"""Rows and columns of a table: what may be compared, and each way to get a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from emonet_bench.data.corpus_ref import CorpusRef
from emonet_bench.report.reading import CorpusResult
from emonet_bench.report.tables.cells import CellRuns, TableCell
from emonet_bench.runs.facts import CorpusFacts

_AUDIT = ("clean", "warnings", "speakers unknown", "incomplete", "leaking")


@dataclass(frozen=True, order=True)
class Column:
    """A way to get a network: architecture, strategy and, where several option sets occur, what tells them apart."""

    architecture: str
    strategy: str
    tag: str = ""

    def order(self, baseline: str) -> tuple[str, bool, str, str]:
        """Return the key that sorts columns by architecture, the baseline first."""
        return self.architecture, self.strategy != baseline, self.strategy, self.tag

    def __str__(self) -> str:
        return " ".join(part for part in (self.architecture, self.strategy, self.tag) if part)


@dataclass(frozen=True)
class Row:
    """Cells that may be ranked together: one corpus, one protocol, one set of clips.

    Attributes:
        corpus: Name of the corpus.
        protocol: Name of the protocol.
        protocol_id: What may be compared.
        limit: Most clips of a partition in a smoke run, or None.
        synthetic: Whether the audio is generated.
        labels: Number of labels.
        clips: Number of test clips, all folds together.
        folds: Number of folds.
        speakers: Number of test speakers, 0 where they are unknown.
        cells: By column.
        audit: Worst verdict of the corpus's audit: see ``audit.VERDICTS``; None: not audited.
        skipped_files: Most files that a run left out as broken.
        fingerprint: What is heard and how it is labelled.
        distinction: What tells it from other rows of the same corpus and protocol: an id, a fingerprint, labels.
    """

    corpus: str
    protocol: str
    protocol_id: str
    limit: int | None
    synthetic: bool
    labels: int
    clips: int
    folds: int
    speakers: int
    cells: Mapping[Column, TableCell]
    audit: str | None = None
    skipped_files: int = 0
    fingerprint: str = ""
    distinction: str = ""

    @property
    def title(self) -> str:
        """The corpus, and that it is synthetic where it is."""
        return f"{self.corpus} (synthetic)" if self.synthetic else self.corpus

    @property
    def chance(self) -> float:
        """UAR of one answer for all clips."""
        return 1 / self.labels if self.labels else 0.0

    @property
    def subtitle(self) -> str:
        """The protocol, and that only a part of the clips is used where that is so."""
        parts = [f"{self.protocol} {self.distinction}".strip()]
        parts += ["transductive"] if self.transductive else []
        return ", ".join([*parts, *([] if self.limit is None else [f"limit {self.limit}"])])

    @property
    def transductive(self) -> bool:
        """Whether a clip's score depends on other test clips, those of its speaker."""
        return CorpusRef.of(self.corpus, self.protocol).speaker_normalised


def latest(records: Iterable[CorpusResult], row_of: Callable[[CorpusResult], tuple[object, ...]]) -> list[CorpusResult]:
    """Keep the latest of several runs of one recipe, seed and fold; a finished one beats a failed one."""
    kept = {}
    for record in sorted(records, key=lambda record: (record.state == "done", record.finished)):
        recipe = (record.architecture, record.strategy, json.dumps(record.variant, sort_keys=True))
        kept[recipe, row_of(record), record.seed, record.fold] = record
    return list(kept.values())


def fullest(facts: Iterable[CorpusFacts]) -> CorpusFacts:
    """Choose what says most: a run that failed early knows little of its corpus."""
    return max(facts, key=lambda each: len(each.model_fields_set), default=CorpusFacts())


def describe(groups: Mapping[Column, CellRuns], cells: Mapping[Column, TableCell]) -> Row:
    """Describe the row of some runs, from what they say of their corpus.

    Args:
        groups: The runs of each cell.
        cells: Their scores.
    """
    runs = [run for group in groups.values() for run in group.runs]
    first, facts = runs[0], fullest(run.facts for run in runs)
    clips = [set(seed.utterances) for group in groups.values() for seed in group.seeds.values()]
    speakers = {who for group in groups.values() for seed in group.seeds.values() for who in seed.speakers}
    return Row(
        corpus=first.corpus,
        protocol=first.protocol,
        protocol_id=facts.protocol_id,
        limit=first.variant.get("training.limit"),
        synthetic=facts.synthetic,
        labels=len(facts.labels),
        clips=max(map(len, clips), default=0),
        folds=len({run.fold for run in runs if run.state != "skipped"}),
        speakers=0 if None in speakers else len(speakers),
        cells=cells,
        fingerprint=facts.fingerprint,
        audit=max((run.facts.audit for run in runs if run.facts.audit), key=_AUDIT.index, default=None),
        skipped_files=max((run.facts.skipped_files for run in runs), default=0),
    )
