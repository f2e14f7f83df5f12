"""Details behind a cell, read from its runs' directories: confusions, learning curves, speakers, provenance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from emonet_bench import metrics
from emonet_bench.errors import StoreError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.report.predictions import Predictions
from emonet_bench.report.reading import CorpusResult
from emonet_bench.report.tables.cells import CellRuns, TableCell, score_if_told
from emonet_bench.report.tables.rows import Column, Row
from emonet_bench.report.tables.table import Table
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord

SHOWN_RUNS = 20
"""How many runs of a cell are listed and drawn, at the most."""


@dataclass(frozen=True)
class Curve:
    """A learning curve.

    Attributes:
        name: Which run.
        epochs: Their numbers.
        values: For ``dev`` and ``loss``, a number for each epoch.
        best: The epoch whose weights were kept.
    """

    name: str
    epochs: Sequence[int]
    values: Mapping[str, Sequence[float]]
    best: int


@dataclass(frozen=True)
class Speaker:
    """One speaker's test clips, all seeds together; recall is averaged over the labels that the speaker has."""

    name: str
    score: float
    clips: int


@dataclass(frozen=True)
class Evidence:
    """What lies behind one cell.

    Attributes:
        anchor: Its name within a page.
        row: Its row.
        column: Its column.
        cell: Itself.
        labels: The corpus's labels.
        confusion: (K, K) counts over all seeds and folds; rows are truth. Empty where the target is no label.
        speakers: By score, the worst first; empty where speakers are unknown, or the target is no label.
        curves: Of the runs listed.
        runs: Those listed, each with its record.
        more: How many runs are not listed.
        scores: Of the runs listed, by the metric's title: what the table shows, and of labels UAR and accuracy.
    """

    anchor: str
    row: Row
    column: Column
    cell: TableCell
    labels: Sequence[str]
    confusion: Sequence[Sequence[int]]
    speakers: Sequence[Speaker]
    curves: Sequence[Curve]
    runs: Sequence[tuple[CorpusResult, RunRecord]]
    more: int
    scores: Mapping[str, Sequence[float | None]]


def gather(table: Table) -> list[Evidence]:
    """Gather what lies behind each cell that has a score, row by row."""
    return [
        _evidence(f"cell-{i}-{j}", row, column, groups[column], table.metric)
        for i, (row, groups) in enumerate(zip(table.rows, table.groups, strict=True))
        for j, column in enumerate(table.columns)
        if column in row.cells and row.cells[column].score is not None
    ]


def _evidence(anchor: str, row: Row, column: Column, group: CellRuns, metric: MetricChoice) -> Evidence:
    labels = group.scored[0].facts.labels
    rows = Predictions.empty()
    for seed in group.seeds.values():
        rows = rows.joined(seed)
    listed = group.scored[:SHOWN_RUNS]
    records = [(run, RunFiles(run.predictions.parent).read_record()) for run in listed]
    curves = [_curve(run, record) for run, record in records]
    return Evidence(
        anchor,
        row,
        column,
        row.cells[column],
        labels,
        metrics.confusion(rows.truth, rows.prediction, labels).tolist() if rows.truth else [],
        _speakers(rows, labels),
        [curve for curve in curves if curve],
        records,
        len(group.scored) - len(listed),
        _run_scores(group, metric, len(listed)),
    )


def _run_scores(group: CellRuns, metric: MetricChoice, count: int) -> dict[str, list[float | None]]:
    """Score the first runs of a cell, each by itself."""
    labels = group.scored[0].facts.labels
    found = {metric.title: [score_if_told(rows, labels, metric) for rows in group.parts[:count]]}
    if group.scored[0].kind == "label":
        stated = {"UAR": "uar", "Accuracy": "accuracy"}
        found |= {title: [run.scores.get(name) for run in group.scored[:count]] for title, name in stated.items()}
    return found


def _speakers(rows: Predictions, labels: Sequence[str]) -> list[Speaker]:
    if None in rows.speakers or not rows.truth:
        return []
    clips: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for who, truth, prediction in zip(rows.speakers, rows.truth, rows.prediction, strict=True):
        clips[str(who)].append((truth, prediction))
    scored = []
    for who, pairs in clips.items():
        true, guessed = zip(*pairs, strict=True)
        recalls = metrics.recalls(true, guessed, labels)
        scored.append(Speaker(who, fmean(value for value in recalls.values() if value is not None), len(pairs)))
    return sorted(scored, key=lambda speaker: (speaker.score, speaker.name))


def _curve(run: CorpusResult, record: RunRecord) -> Curve | None:
    """Read a run's history; an architecture that is not trained by gradients has none, nor has a damaged one."""
    try:
        rows = RunFiles(run.predictions.parent).read_history()
    except StoreError:
        return None
    if not rows:
        return None
    values = {"dev": [row.dev_score for row in rows], "loss": [row.loss for row in rows]}
    best = max(rows, key=lambda row: (row.epoch == record.best_epoch, row.dev_score)).epoch
    return Curve(run.title, [row.epoch for row in rows], values, best)
