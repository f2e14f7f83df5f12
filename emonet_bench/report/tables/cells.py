"""Cells of a table: folds pooled and scored once for each seed, seeds averaged, an interval, a comparison."""

from __future__ import annotations

import statistics as plain
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emonet_bench.errors import CorpusError, StoreError
from emonet_bench.metrics.calibration import calibration_error
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.significance import Comparison, Interval, compare, interval, mcnemar
from emonet_bench.report.predictions import Predictions
from emonet_bench.report.reading import CorpusResult, NoDevError, State, read_predictions

ALPHA = 0.05


def score(rows: Predictions, labels: Sequence[str], metric: MetricChoice) -> float:
    """Score predictions.

    Args:
        rows: What to score.
        labels: The corpus's labels.
        metric: How.

    Raises:
        CorpusError: The metric says nothing of these clips.
    """
    return metric.score(*rows.arrays(labels), labels)


def score_if_told(rows: Predictions, labels: Sequence[str], metric: MetricChoice) -> float | None:
    """Score predictions as ``score`` does; None where the metric says nothing of these clips."""
    try:
        return score(rows, labels, metric)
    except CorpusError:
        return None


def confidence_error(rows: Predictions) -> float:
    """Return the expected calibration error of predicted labels."""
    right = [truth == guess for truth, guess in zip(rows.truth, rows.prediction, strict=True)]
    return calibration_error(rows.confidence, right)


@dataclass(frozen=True)
class TableCell:
    """All runs of one column on one row.

    Attributes:
        state: ``done`` where at least one seed is scored.
        score: Mean over seeds; each seed's folds are pooled and scored once.
        scores: Of each seed.
        deviation: Standard deviation over seeds, None for a single one.
        spread: Standard deviation over the folds, each scored by itself, None for a single one.
        interval: 95 % bootstrap interval of the mean; None where resampling would shift the metric.
        ece: Expected calibration error, mean over seeds, whatever the table shows; None where only labels are known.
        seeds: How many seeds are scored.
        folds: How many folds the best covered seed has.
        failed: How many runs failed.
        complete: Whether every scored seed has all folds of the row; only complete cells are ranked.
        halved: Whether a run's batches were halved for want of GPU memory.
        shared_clips: How many test clips of a seed were heard elsewhere in training; such a cell is not ranked.
        best: Whether it is the best complete cell of its row.
        trainable: Trained parameters.
        total: All parameters.
        seconds: Mean training seconds of a run.
        parity: Largest difference of an exported model's logits from the trained network's.
        drift: Largest difference of an exported model's UAR on test.
        robustness: Worst grade of its runs' measured cards; empty where none has one.
        subgroup_gap: Largest gap between groups of speakers on those cards.
        source: What it started from, in words, or None.
        teacher: Who taught it; empty: nobody.
        against: Comparison with the baseline cell on the same seeds and clips.
        p: Its p value after Holm's correction over the table.
        mcnemar: p value of McNemar's test against the baseline, where one seed is compared; uncorrected.
        order: Almost stochastic order over seeds against the baseline, where both have enough seeds.
        external: Whether its predictions were made elsewhere.
    """

    state: State
    score: float | None = None
    scores: tuple[float, ...] = ()
    deviation: float | None = None
    spread: float | None = None
    interval: Interval | None = None
    ece: float | None = None
    seeds: int = 0
    folds: int = 0
    failed: int = 0
    complete: bool = False
    halved: bool = False
    shared_clips: int = 0
    best: bool = False
    trainable: int | None = None
    total: int | None = None
    seconds: float | None = None
    parity: float | None = None
    drift: float | None = None
    robustness: str = ""
    subgroup_gap: float | None = None
    source: str | None = None
    teacher: str = ""
    against: Comparison | None = None
    p: float | None = None
    mcnemar: float | None = None
    order: float | None = None
    external: bool = False

    @property
    def ranked(self) -> bool:
        """Whether it may be compared with others: nothing of it is missing, and no test clip was heard in training."""
        return self.complete and not self.shared_clips

    @property
    def significant(self) -> bool:
        """Whether it differs from the baseline."""
        return self.p is not None and self.p < ALPHA


@dataclass(frozen=True)
class CellRuns:
    """The runs of one cell, those of them that are scored, with their predictions, and each seed's pooled ones.

    ``problems`` says what failed, ``untold`` of what the metric can say nothing, a line each.
    """

    runs: Sequence[CorpusResult]
    scored: Sequence[CorpusResult] = ()
    seeds: Mapping[int, Predictions] = field(default_factory=dict)
    parts: Sequence[Predictions] = ()
    problems: Sequence[str] = ()
    untold: Sequence[str] = ()

    @property
    def external(self) -> bool:
        """Whether the predictions were made elsewhere."""
        return any(run.external for run in self.runs)

    def cell(self, labels: Sequence[str], folds: set[int | None], metric: MetricChoice) -> TableCell:
        """Score the cell.

        Args:
            labels: The corpus's labels.
            folds: All folds of the row.
            metric: What to score.
        """
        done, failed = self.scored, len(self.problems)
        probable = all(run.external != "labels" for run in done)
        unfit = metric.misfit(self.runs[0].kind, labels) or (metric.metric.probabilities and not probable)
        if not self.seeds or unfit:
            return TableCell(
                "failed" if failed else "skipped",
                failed=failed,
                source=self.runs[0].variant.get("source"),
                external=self.external,
            )
        scores = [score(seed, labels, metric) for seed in self.seeds.values()]
        per_seed = [{run.fold for run in done if run.seed == seed} for seed in self.seeds]
        seconds = [run.seconds for run in done if run.seconds is not None]
        counts = done[0].parameters
        return TableCell(
            "done",
            score=plain.fmean(scores),
            scores=tuple(scores),
            deviation=plain.stdev(scores) if len(scores) > 1 else None,
            spread=self._spread(labels, metric),
            interval=_interval(list(self.seeds.values()), labels, metric),
            ece=plain.fmean(map(confidence_error, self.seeds.values())) if probable and self._labelled else None,
            seeds=len(scores),
            folds=max(map(len, per_seed)),
            failed=failed,
            complete=not failed and all(have == folds for have in per_seed),
            halved=any(run.halved for run in done),
            shared_clips=max(sum(run.facts.shared_clips for run in done if run.seed == seed) for seed in self.seeds),
            teacher=done[0].teacher,
            trainable=counts.trainable if counts else None,
            total=counts.total if counts else None,
            seconds=plain.fmean(seconds) if seconds else None,
            parity=max((run.parity for run in done if run.parity is not None), default=None),
            drift=max((run.drift for run in done if run.drift is not None), default=None),
            **_carded(done),
            source=self.runs[0].variant.get("source"),
            external=self.external,
        )

    def against(self, other: CellRuns, labels: Sequence[str], metric: MetricChoice) -> dict[str, Any]:
        """Compare with another group on the seeds that both have.

        Nothing is told where their clips differ, or where resampling would shift the metric.

        Returns:
            The fields ``against`` and ``mcnemar`` of a ``TableCell``, as far as they can be told.
        """
        if not metric.metric.resampled:
            return {}
        first, second = Predictions.empty(), Predictions.empty()
        shared = sorted(self.seeds.keys() & other.seeds.keys())
        for seed in shared:
            mine, theirs = self.seeds[seed], other.seeds[seed]
            if set(theirs.utterances) != set(mine.utterances):
                return {}
            first, second = first.joined(mine), second.joined(theirs.ordered(mine.utterances))
        if not shared:
            return {}
        (truth, one), (_, another) = first.arrays(labels), second.arrays(labels)
        names = first.utterances
        return {
            "against": compare(truth, one, another, metric, labels, first.speakers, clips=names),
            "mcnemar": mcnemar(first.truth, first.prediction, second.prediction)
            if len(shared) == 1 and self._labelled
            else None,
        }

    @property
    def _labelled(self) -> bool:
        """Whether labels were predicted."""
        return all(run.kind == "label" for run in self.runs)

    def _spread(self, labels: Sequence[str], metric: MetricChoice) -> float | None:
        if len({run.fold for run in self.scored}) < 2:  # noqa: PLR2004
            return None
        return plain.stdev(score(rows, labels, metric) for rows in self.parts)


def pool_runs(runs: Sequence[CorpusResult], metric: MetricChoice) -> CellRuns:
    """Read the predictions of a cell's runs and join the folds of each seed; what cannot be read counts as failed.

    Args:
        runs: The runs.
        metric: What will score them: the probability of each label is read where it needs them.
    """
    seeds: dict[int, Predictions] = defaultdict(Predictions.empty)
    scored, parts, problems, untold = [], [], [], []
    for run in sorted(runs, key=lambda run: (run.seed, run.fold or 0)):
        if run.state == "failed":
            problems.append(f"{run.title}: {run.reason}")
        elif run.state == "done":
            try:
                parts.append(read_predictions(run, numbers=metric.metric.probabilities, metric=metric))
                seeds[run.seed] = seeds[run.seed].joined(parts[-1])
                scored.append(run)
            except NoDevError as error:
                untold.append(str(error))
            except StoreError as error:
                problems.append(str(error))
    known = {seed: rows for seed, rows in seeds.items() if rows.utterances}
    return CellRuns(runs, scored, known, parts, problems, untold)


def _carded(runs: Sequence[CorpusResult]) -> dict[str, Any]:
    """Tell the worst that the measured cards of some runs say."""
    cards = [run.card for run in runs if run.card]
    grades = [card.robustness.grade.letter or "" for card in cards]
    gaps = [gap.gap.value for card in cards if (gap := card.subgroups.demographic_gap)]
    return {"robustness": max(grades, default=""), "subgroup_gap": max(gaps, default=None)}


def _interval(seeds: Sequence[Predictions], labels: Sequence[str], metric: MetricChoice) -> Interval | None:
    """Interval of the mean over seeds: all seeds of a clip are drawn together with its speaker."""
    if not metric.metric.resampled:
        return None
    rows = Predictions.empty()
    for seed in seeds:
        rows = rows.joined(seed)
    return interval(*rows.arrays(labels), metric, labels, rows.speakers, clips=rows.utterances)
