"""From run records to a table: one row for what may be compared, one column for each way to get a network."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emonet_bench.report.cells import Cell, Group, Score, pool, rank
from emonet_bench.report.notes import notes, problems
from emonet_bench.report.reading import RunRecord
from emonet_bench.statistics import almost_stochastic_order, holm

DIMENSIONS = ("corpus", "architecture", "strategy")
"""What rows and columns can be made of."""

_AUDIT = ("clean", "warnings", "leaking")
_Key = tuple[str, str, str, int]
"""Corpus, protocol, protocol id and limit (0: none) of a row."""


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
        audit: Worst verdict of the corpus's audit: ``clean``, ``warnings`` or ``leaking``; None: not audited.
        skipped_files: Most files that a run left out as broken.
        ambiguous: Whether another row has the same corpus and protocol, so that the id must tell them apart.
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
    cells: Mapping[Column, Cell]
    audit: str | None = None
    skipped_files: int = 0
    ambiguous: bool = False

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
        identity = f" {self.protocol_id[:8] or 'without id'}" if self.ambiguous else ""
        return f"{self.protocol}{identity}" + ("" if self.limit is None else f", limit {self.limit}")


@dataclass(frozen=True)
class Table:
    """A table of results.

    Attributes:
        metric: What is scored.
        baseline: Strategy that the others are compared with.
        columns: By architecture, the baseline first.
        rows: In sorted order.
        notes: What a reader must know, a line each.
        problems: Failed and skipped runs with their reasons, a line each.
        groups: The runs behind the cells of each row, in the order of ``rows``.
        axes: The dimensions that make the rows and those that make the columns, where it is shown as a grid.
    """

    metric: Score
    baseline: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    groups: tuple[Mapping[Column, Group], ...] = ()
    axes: tuple[tuple[str, ...], tuple[str, ...]] = (DIMENSIONS[:1], DIMENSIONS[1:])

    def cells(self) -> Iterator[tuple[Row, Column, Cell]]:
        """Yield all cells, row by row."""
        for row in self.rows:
            for column in self.columns:
                if column in row.cells:
                    yield row, column, row.cells[column]


def summarise(records: Sequence[RunRecord], metric: Score = "uar", baseline: str = "scratch") -> Table:
    """Pool the folds of each seed and score them once, average the seeds, and compare with the baseline strategy.

    Runs with different protocol ids (or different limits on the clips) never share a row. Of several runs of one seed
    and fold the latest counts. Joint runs that only serve as sources are left out.

    Args:
        records: What ``load`` read.
        metric: What to score.
        baseline: The strategy that others of the same architecture are compared with.
    """
    wanted = _without_sources(records)
    row_of = _row_keys(wanted)
    latest = _latest(wanted, row_of)
    columns = _columns(latest)
    grouped: dict[_Key, dict[Column, list[RunRecord]]] = defaultdict(lambda: defaultdict(list))
    for record in latest:
        grouped[row_of(record)][columns[record.run_id]].append(record)
    pooled = {key: {column: pool(cells[column]) for column in sorted(cells)} for key, cells in sorted(grouped.items())}
    rows = _corrected(_told_apart([_row(groups, metric, baseline) for groups in pooled.values()]))
    older, sources = len(wanted) - len(latest), len({r.run_id for r in records}) - len({r.run_id for r in wanted})
    return Table(
        metric,
        baseline,
        tuple(sorted({column for row in rows for column in row.cells}, key=lambda column: column.order(baseline))),
        tuple(rows),
        tuple(notes(rows, metric, baseline, older, sources)),
        tuple(problems(group for groups in pooled.values() for group in groups.values())),
        tuple(pooled.values()),
    )


def _without_sources(records: Sequence[RunRecord]) -> list[RunRecord]:
    sources = {record.source for record in records if record.source}
    return [record for record in records if not (record.joint and record.run_id in sources)]


def _latest(records: Iterable[RunRecord], row_of: Callable[[RunRecord], _Key]) -> list[RunRecord]:
    """Keep the latest of several runs of one recipe, seed and fold; a finished one beats a failed one."""
    kept = {}
    for record in sorted(records, key=lambda record: (record.state == "done", record.finished)):
        recipe = (record.architecture, record.strategy, json.dumps(record.variant, sort_keys=True))
        kept[recipe, row_of(record), record.seed, record.fold] = record
    return list(kept.values())


def _row_keys(records: Iterable[RunRecord]) -> Callable[[RunRecord], _Key]:
    """Say which row a record belongs to; one that failed before it knew its protocol id joins the others."""
    ids: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for record in records:
        if identity := record.facts.get("protocol_id"):
            ids[record.corpus, record.protocol][identity] += 1

    def key(record: RunRecord) -> _Key:
        known = ids[record.corpus, record.protocol].most_common(1)
        identity = record.facts.get("protocol_id") or (known[0][0] if known else "")
        return record.corpus, record.protocol, identity, record.variant.get("training.limit") or 0

    return key


def _columns(records: Sequence[RunRecord]) -> dict[str, Column]:
    """Give every run its column, tagged with the options that vary among runs of the same two names."""
    groups: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    for record in records:
        groups[record.architecture, record.strategy].append(record)
    columns = {}
    for (architecture, strategy), members in groups.items():
        varying = _varying(members)
        for record in members:
            tag = ", ".join(f"{name.rpartition('.')[2]}={record.variant.get(name)}" for name in varying)
            columns[record.run_id] = Column(architecture, strategy, tag)
    return columns


def _varying(records: Iterable[RunRecord]) -> list[str]:
    """Name the options with several values. Sources count within a corpus: targets differ in theirs by nature."""
    values: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for name, value in record.variant.items():
            values[f"source {record.corpus}" if name == "source" else name].add(str(value))
    names = {name.partition(" ")[0] for name, seen in values.items() if len(seen) > 1}
    return sorted(names - {"training.limit"})


def _row(groups: Mapping[Column, Group], metric: Score, baseline: str) -> Row:
    runs = [run for group in groups.values() for run in group.runs]
    facts = max((run.facts for run in runs), key=len, default={})
    folds = {run.fold for run in runs if run.state != "skipped"}
    labels = facts.get("labels", ())
    cells = {column: group.cell(labels, folds, metric) for column, group in groups.items()}
    ranks = {
        column: rank(cell.score, metric) for column, cell in cells.items() if cell.complete and cell.score is not None
    }
    for column, cell in cells.items():
        reference = _reference(column, groups, baseline)
        both = reference is not None and cell.complete and cells[reference].complete
        compared: dict[str, Any] = {}
        if reference is not None and both and metric != "ece":
            order = almost_stochastic_order(cell.scores, cells[reference].scores)
            compared = groups[column].against(groups[reference], labels, metric) | {"order": order}
        best = len(ranks) > 1 and ranks.get(column) == max(ranks.values())
        cells[column] = replace(cell, best=best, **compared)
    clips = [set(seed.utterances) for group in groups.values() for seed in group.seeds.values()]
    speakers = {who for group in groups.values() for seed in group.seeds.values() for who in seed.speakers}
    first = runs[0]
    return Row(
        corpus=first.corpus,
        protocol=first.protocol,
        protocol_id=facts.get("protocol_id", ""),
        limit=first.variant.get("training.limit"),
        synthetic=facts.get("synthetic", False),
        labels=len(labels),
        clips=max(map(len, clips), default=0),
        folds=len(folds),
        speakers=0 if None in speakers else len(speakers),
        cells=cells,
        audit=max(
            (run.facts["audit"] for run in runs if run.facts.get("audit") in _AUDIT), key=_AUDIT.index, default=None
        ),
        skipped_files=max((run.facts.get("skipped_files", 0) for run in runs), default=0),
    )


def _reference(column: Column, groups: Mapping[Column, Group], baseline: str) -> Column | None:
    """Find the baseline cell of the same architecture, its options and the training alike."""
    if column.strategy == baseline:
        return None
    return next(
        (
            other
            for other in sorted(groups)
            if (other.architecture, other.strategy) == (column.architecture, baseline)
            and _shared(groups[other]) == _shared(groups[column])
        ),
        None,
    )


def _shared(group: Group) -> dict[str, Any]:
    """Return the options that a baseline must have in common with what is compared with it."""
    return {
        name: value for name, value in group.runs[0].variant.items() if not name.startswith(("strategy.", "source"))
    }


def _told_apart(rows: Sequence[Row]) -> list[Row]:
    names = Counter((row.corpus, row.subtitle) for row in rows)
    return [replace(row, ambiguous=names[row.corpus, row.subtitle] > 1) for row in rows]


def _corrected(rows: Sequence[Row]) -> list[Row]:
    """Correct all p values of the table for their number."""
    places = [(i, column) for i, row in enumerate(rows) for column, cell in row.cells.items() if cell.against]
    adjusted = holm([rows[i].cells[column].against.p for i, column in places])  # type: ignore[union-attr]
    cells = [dict(row.cells) for row in rows]
    for (i, column), p in zip(places, adjusted, strict=True):
        cells[i][column] = replace(cells[i][column], p=p)
    return [replace(row, cells=changed) for row, changed in zip(rows, cells, strict=True)]
