"""Scores of external predictions, with intervals and paired tests against the rows of a results directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emonet_bench import metrics
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.significance import Comparison, Interval, holm, interval
from emonet_bench.report.cells import CellRuns, score
from emonet_bench.report.choice import UAR_CHOICE
from emonet_bench.report.external.coverage import ScoredClips
from emonet_bench.report.external.table import ExternalRow
from emonet_bench.report.predictions import Predictions
from emonet_bench.report.reading import load
from emonet_bench.report.rows import Column, Row, fullest
from emonet_bench.report.table import summarise
from emonet_bench.types import Metric


@dataclass(frozen=True)
class Rival:
    """A row of a results directory that external predictions were compared with.

    Attributes:
        column: Its architecture, strategy and what tells it from others.
        score: Its score, the mean over its seeds.
        seeds: How many seeds it has.
        comparison: External predictions minus it, paired over the same clips.
        p: The comparison's p value after Holm's correction over all rivals.
    """

    column: Column
    score: float
    seeds: int
    comparison: Comparison
    p: float


@dataclass(frozen=True)
class ExternalScore:
    """What external predictions score.

    Attributes:
        name: What they are called.
        corpus: Name of the corpus.
        protocol: Name of the protocol, with the label map where there is one.
        protocol_id: What may be compared.
        fingerprint: What is heard and how it is labelled.
        clips: How many clips were tested.
        folds: In how many folds.
        scores: By metric, all folds pooled and scored once.
        intervals: 95 % bootstrap intervals, by metric; those that have one.
        titles: What the metrics are called in tables.
        recall: Of each label; None where no test clip has it.
        metric: What the rivals are compared by.
        rivals: Best first.
        not_compared: Rows that have not all of these clips.
        row: The directories that were written, one for each fold.
    """

    name: str
    corpus: str
    protocol: str
    protocol_id: str
    fingerprint: str
    clips: int
    folds: int
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    titles: Mapping[str, str]
    recall: Mapping[str, float | None]
    metric: str
    rivals: tuple[Rival, ...] = ()
    not_compared: tuple[Column, ...] = ()
    row: tuple[Path, ...] = ()


def as_predictions(
    rows: Mapping[int | None, Sequence[ExternalRow]], clips: ScoredClips, labels: Sequence[str]
) -> Predictions:
    """Join the folds' predictions with the truth; where only labels are given, each counts as certain.

    Args:
        rows: Of each fold, in the order of its clips.
        clips: What was predicted.
        labels: The corpus's, in declared order.
    """
    pairs = [pair for fold, each in clips.items() for pair in zip(each, rows[fold], strict=True)]
    return Predictions(
        [clip.name for clip, _ in pairs],
        [clip.speaker or None for clip, _ in pairs],
        [clip.label or "" for clip, _ in pairs],
        [row.label for _, row in pairs],
        [1.0 if row.probabilities is None else row.probabilities[labels.index(row.label)] for _, row in pairs],
        [row.probabilities for _, row in pairs if row.probabilities is not None],
    )


def score_external(
    name: str,
    pooled: Predictions,
    corpus: OpenCorpus,
    folds: int,
    known: Mapping[str, Metric],
    metric: MetricChoice = UAR_CHOICE,
) -> ExternalScore:
    """Score predictions that others made, as the report scores a run's.

    Args:
        name: What they are called.
        pooled: The predictions of all folds.
        corpus: The corpus under its protocol.
        folds: Of how many folds they are.
        known: All metrics; those that need probabilities only where there are any.
        metric: What rivals will be compared by.

    Raises:
        ConfigError: The metric does not fit.
    """
    labels = corpus.corpus.labels
    if reason := metric.misfit("label", labels) or _improbable(metric, pooled):
        raise ConfigError(f"--metric {reason}")
    fitting = [MetricChoice(one) for one in known.values() if "label" in one.kinds]
    shown = [one for one in dict.fromkeys((metric, *fitting)) if not _improbable(one, pooled)]
    sides = pooled.arrays(labels)
    return ExternalScore(
        name,
        corpus.corpus.name,
        corpus.protocol,
        corpus.protocol_id(),
        corpus.fingerprint,
        len(pooled.truth),
        folds,
        {str(one): score(pooled, labels, one) for one in shown},
        {
            str(one): interval(*sides, one, labels, pooled.speakers, clips=pooled.utterances)
            for one in shown
            if one.metric.resampled
        },
        {str(one): one.title for one in shown},
        metrics.recalls(pooled.truth, pooled.prediction, labels),
        str(metric),
    )


def _improbable(metric: MetricChoice, pooled: Predictions) -> str | None:
    lacking = metric.metric.probabilities and not pooled.numbers
    return f"{metric} needs probabilities, and there are labels only" if lacking else None


def compared(
    scored: ExternalScore, pooled: Predictions, results: Path, metric: MetricChoice = UAR_CHOICE
) -> ExternalScore:
    """Compare external predictions with every row of a results directory that has the same clips.

    Each of a rival's seeds is paired with the one set of predictions.

    Args:
        scored: Their scores.
        pooled: The predictions of all folds.
        results: The results directory.
        metric: What they are compared by.

    Raises:
        StoreError: There is no run, or none of this corpus under this protocol.
    """
    records = [record for record in load(results) if record.corpus == scored.corpus]
    table = summarise(records, metric)
    wanted = scored.protocol_id, scored.fingerprint, sorted(scored.recall)
    for row, groups in zip(table.rows, table.groups, strict=True):
        labels = fullest(run.facts for group in groups.values() for run in group.runs).labels
        if (row.protocol_id, row.fingerprint, sorted(labels)) == wanted:
            return _against(scored, pooled, row, groups, metric)
    raise StoreError(
        f"--against {results}: no run on {scored.corpus} under {scored.protocol} with these clips and labels (protocol "
        f"id {scored.protocol_id}, audio {scored.fingerprint[:8]})"
    )


def _against(
    scored: ExternalScore, pooled: Predictions, row: Row, groups: Mapping[Column, CellRuns], metric: MetricChoice
) -> ExternalScore:
    labels = list(scored.recall)
    rivals, left_out = [], []
    for column, group in groups.items():
        if group.external and column.architecture == scored.name:
            continue  # the same predictions, kept as a row before
        mine = CellRuns([], seeds=dict.fromkeys(group.seeds, pooled))
        comparison = mine.against(group, labels, metric).get("against")
        cell = row.cells[column]
        if comparison is None or cell.score is None:
            left_out.append(column)
        else:
            rivals.append(Rival(column, cell.score, cell.seeds, comparison, comparison.p))
    adjusted = holm([rival.p for rival in rivals])
    rivals = [replace(rival, p=p) for rival, p in zip(rivals, adjusted, strict=True)]
    rivals.sort(key=lambda rival: (-metric.rank(rival.score), rival.column))
    return replace(scored, rivals=tuple(rivals), not_compared=tuple(left_out))
