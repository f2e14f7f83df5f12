"""Scores of external predictions, with intervals and paired tests against the rows of a results directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emonet_bench import metrics
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import DEFAULTS
from emonet_bench.metrics.significance import Comparison, Interval, holm, interval
from emonet_bench.report.choice import UAR_CHOICE, fitting_metric
from emonet_bench.report.external.coverage import ScoredClips, target_truth
from emonet_bench.report.external.rows import ExternalRow
from emonet_bench.report.predictions import Predictions
from emonet_bench.report.reading import load
from emonet_bench.report.tables.cells import CellRuns, score_if_told
from emonet_bench.report.tables.rows import Column, Row, fullest
from emonet_bench.report.tables.table import summarise
from emonet_bench.types import Metric, Target, TargetKind


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
        recall: Of each label; None where no test clip has it. Empty where the target is no label.
        kind: The kind of target.
        names: Its labels or attributes.
        outside: How many predicted values lie outside of their scale.
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
    kind: TargetKind = "label"
    names: tuple[str, ...] = ()
    outside: int = 0
    rivals: tuple[Rival, ...] = ()
    not_compared: tuple[Column, ...] = ()
    row: tuple[Path, ...] = ()


def as_predictions(
    rows: Mapping[int | None, Sequence[ExternalRow]], clips: ScoredClips, corpus: OpenCorpus
) -> Predictions:
    """Join the folds' predictions with the truth; where only labels are given, each counts as certain.

    Args:
        rows: Of each fold, in the order of its clips.
        clips: What was predicted.
        corpus: The corpus under its protocol.
    """
    pairs = [pair for fold, each in clips.items() for pair in zip(each, rows[fold], strict=True)]
    names, speakers = [clip.name for clip, _ in pairs], [clip.speaker or None for clip, _ in pairs]
    numbers = [row.numbers for _, row in pairs if row.numbers is not None]
    if corpus.target.kind != "label":
        truth = target_truth(corpus, clips)
        return Predictions(names, speakers, [], [], [], [*numbers], [truth[name] for name in names])
    labels, guesses = corpus.target.names, [row.label or "" for _, row in pairs]
    confidence = [1.0 if row.numbers is None else row.numbers[labels.index(row.label or "")] for _, row in pairs]
    return Predictions(names, speakers, [clip.label or "" for clip, _ in pairs], guesses, confidence, [*numbers])


def score_external(
    name: str,
    pooled: Predictions,
    corpus: OpenCorpus,
    folds: int,
    known: Mapping[str, Metric],
    metric: MetricChoice = UAR_CHOICE,
    tuned: Predictions | None = None,
) -> ExternalScore:
    """Score predictions that others made, as the report scores a run's.

    Args:
        name: What they are called.
        pooled: The predictions of all folds.
        corpus: The corpus under its protocol.
        folds: Of how many folds they are.
        known: All metrics; those that need probabilities only where there are any.
        metric: What rivals will be compared by.
        tuned: The predictions after what the metric tunes on dev, where it does.

    Raises:
        ConfigError: The metric does not fit.
    """
    target, labelled = corpus.target, corpus.target.kind == "label"
    names, metric = target.names, fitting_metric(metric, {target.kind})
    if reason := metric.misfit(target.kind, names) or _improbable(metric, pooled):
        fits = "" if target.kind in metric.metric.kinds else f"; --metric {DEFAULTS[target.kind].name} fits"
        raise ConfigError(f"--metric {reason}{fits}")
    shown = [one for one in dict.fromkeys((metric, *_fitting(known, target))) if not _improbable(one, pooled)]
    given = {one: tuned if tuned is not None and one.metric.tuned else pooled for one in shown}
    scores = {one: score_if_told(given[one], names, one) for one in shown}
    shown = [one for one in shown if scores[one] is not None]
    return ExternalScore(
        name,
        corpus.corpus.name,
        corpus.protocol,
        corpus.protocol_id(),
        corpus.fingerprint,
        len(pooled.utterances),
        folds,
        {str(one): value for one, value in scores.items() if value is not None},
        {
            str(one): interval(*given[one].arrays(names), one, names, pooled.speakers, clips=pooled.utterances)
            for one in shown
            if one.metric.resampled
        },
        {str(one): one.title for one in shown},
        metrics.recalls(pooled.truth, pooled.prediction, names) if labelled else {},
        str(metric),
        target.kind,
        names,
        _outside(pooled, target),
    )


def _fitting(known: Mapping[str, Metric], target: Target) -> Iterator[MetricChoice]:
    """Yield the metrics of a kind of target; of values each attribute's, too."""
    for one in known.values():
        if target.kind in one.kinds and not one.tuned:  # what is tuned on dev is told only where it is asked for
            yield MetricChoice(one)
            if target.kind == "values" and len(target.names) > 1:
                yield from (MetricChoice(one, name) for name in target.names)


def _outside(pooled: Predictions, target: Target) -> int:
    pairs = (zip(row, target.scales, strict=True) for row in pooled.numbers if target.scales)
    return sum(not low <= value <= high for row in pairs for value, (low, high) in row)


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
    metric = fitting_metric(metric, {scored.kind})
    table = summarise(records, metric)
    wanted = scored.protocol_id, scored.fingerprint, sorted(scored.names)
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
    labels = list(scored.names)
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
