"""The table of results: from run records to rows of what may be compared, averaged, tested and ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from emonet_bench.errors import ConfigError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import DEFAULTS
from emonet_bench.metrics.significance import almost_stochastic_order, holm
from emonet_bench.report.choice import Wanted, fitting_metric, wanted_metric
from emonet_bench.report.reading import CorpusResult
from emonet_bench.report.tables.cells import CellRuns, TableCell, pool_runs
from emonet_bench.report.tables.columns import columns_of
from emonet_bench.report.tables.identity import RowKey, distinguished, row_keys, split_sources
from emonet_bench.report.tables.notes import across_notes, notes, problems
from emonet_bench.report.tables.pretrained import pretrained_notes
from emonet_bench.report.tables.rows import Column, Row, describe, fullest, latest
from emonet_bench.report.tables.search import search_notes
from emonet_bench.report.tables.zero_shot import ZeroShot, zero_shots
from emonet_bench.validation_messages import did_you_mean

BASELINE = "scratch"
"""The strategy that others are compared with where nothing else is said."""

DIMENSIONS = ("corpus", "architecture", "strategy")
"""What rows and columns can be made of."""


@dataclass(frozen=True)
class Table:
    """A table of results.

    Attributes:
        metric: What is scored.
        baseline: Strategy, or column, that the others are compared with.
        columns: By architecture, the baseline first.
        rows: In sorted order.
        notes: What a reader must know, a line each.
        problems: Failed and skipped runs with their reasons, a line each.
        groups: The runs behind the cells of each row, in the order of ``rows``.
        zero_shot: Networks on corpora that they were not trained on; never ranked with the rows.
        axes: The dimensions that make the rows and those that make the columns, where it is shown as a grid.
    """

    metric: MetricChoice
    baseline: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    groups: tuple[Mapping[Column, CellRuns], ...] = ()
    zero_shot: tuple[ZeroShot, ...] = ()
    axes: tuple[tuple[str, ...], tuple[str, ...]] = (DIMENSIONS[:1], DIMENSIONS[1:])

    def cells(self) -> Iterator[tuple[Row, Column, TableCell]]:
        """Yield all cells, row by row."""
        for row in self.rows:
            for column in self.columns:
                if column in row.cells:
                    yield row, column, row.cells[column]


def summarise(records: Sequence[CorpusResult], metric: Wanted = "uar", baseline: str = BASELINE) -> Table:
    """Pool the folds of each seed and score them once, average the seeds, and compare with the baseline strategy.

    Runs with different protocol ids, fingerprints or labels (or different limits on the clips) never share a row. Of
    several runs of one seed and fold the latest counts. Joint runs that only serve as sources are left out.

    Args:
        records: What ``load`` read.
        metric: What to score: a registered metric, ``uar``, or one label's or attribute's part of it, ``ccc:arousal``.
            Where no labels were predicted, ``uar`` stands for the default of what was.
        baseline: The strategy that others of the same architecture are compared with; or a whole column, such as
            ``"cnn scratch"``, that all others are compared with.

    Raises:
        ConfigError: There is no such metric, or it fits nothing that was predicted; or the baseline is no column.
    """
    metric = fitting_metric(wanted_metric(metric), {record.kind for record in records if record.facts.labels})
    records = split_sources(records)
    crossed = zero_shots([record for record in records if record.trained_on], metric)
    records = [record for record in records if not record.trained_on]
    wanted = _without_sources(records)
    row_of = row_keys(wanted)
    kept = latest(wanted, row_of)
    columns = columns_of(kept)
    _check_baseline(baseline, columns.by_run.values())
    grouped: dict[RowKey, dict[Column, list[CorpusResult]]] = defaultdict(lambda: defaultdict(list))
    for record in kept:
        grouped[row_of(record)][columns.by_run[record.run_id]].append(record)
    pooled = {
        key: {column: pool_runs(cells[column], metric) for column in sorted(cells)}
        for key, cells in sorted(grouped.items())
    }
    unfit = _unfit(pooled, metric)
    folds = _folds(pooled)
    rows = [_row(groups, folds[key[:4]], metric, baseline) for key, groups in pooled.items()]
    rows = _corrected(distinguished(rows, list(pooled)))
    older, sources = len(wanted) - len(kept), len({r.run_id for r in records}) - len({r.run_id for r in wanted})
    return Table(
        metric,
        baseline,
        tuple(sorted({column for row in rows for column in row.cells}, key=lambda column: column.order(baseline))),
        tuple(rows),
        (
            *notes(rows, metric, baseline, older, sources),
            *columns.notes,
            *pretrained_notes(rows, list(pooled.values()), BASELINE),
            *search_notes(rows, list(pooled.values())),
            *across_notes(crossed),
        ),
        (*unfit, *problems([*(g for groups in pooled.values() for g in groups.values()), *_groups(crossed)])),
        tuple(pooled.values()),
        zero_shot=crossed,
    )


def _unfit(pooled: Mapping[RowKey, Mapping[Column, CellRuns]], metric: MetricChoice) -> list[str]:
    """Say of which rows the metric cannot say anything, a line each.

    Raises:
        ConfigError: That is so of all of them.
    """
    found = []
    for key, groups in pooled.items():
        runs = [run for group in groups.values() for run in group.runs]
        facts = fullest(run.facts for run in runs)
        kinds = {run.kind for run in runs if run.facts.labels}
        if kinds and (reason := metric.misfit(min(kinds), facts.labels)):
            remedy = "" if min(kinds) in metric.metric.kinds else f"; --metric {DEFAULTS[min(kinds)].name} fits"
            found.append(f"skipped: {key.corpus}, {key.protocol}: {reason}{remedy}")
    if found and len(found) == len(pooled):
        raise ConfigError(f"--metric {found[0].removeprefix('skipped: ')}")
    return found


def _check_baseline(baseline: str, columns: Iterable[Column]) -> None:
    """Refuse a baseline that was asked for and is not among the columns."""
    known = {name for column in columns for name in (column.strategy, str(column))}
    if baseline != BASELINE and baseline not in known:
        raise ConfigError(
            f"--baseline: no strategy and no column is called {baseline!r}{did_you_mean(baseline, known)}"
        )


def _groups(crossed: Iterable[ZeroShot]) -> Iterator[CellRuns]:
    for one in crossed:
        yield from one.groups.values()


def _without_sources(records: Sequence[CorpusResult]) -> list[CorpusResult]:
    """Leave out joint runs from which other corpora than their own start: they are made once, not for every fold."""
    heard: dict[str, set[str]] = defaultdict(set)
    for record in records:
        heard[record.run_id].add(record.corpus)
    sources = {record.source for record in records if record.source and record.corpus not in heard[record.source]}
    return [record for record in records if not (record.joint and record.run_id in sources)]


def _folds(pooled: Mapping[RowKey, Mapping[Column, CellRuns]]) -> dict[tuple[object, ...], set[int | None]]:
    """Gather the folds of a protocol: one that was trained on other audio is missing from the row it is apart from."""
    folds: dict[tuple[object, ...], set[int | None]] = defaultdict(set)
    for key, groups in pooled.items():
        folds[key[:4]].update(run.fold for group in groups.values() for run in group.runs if run.state != "skipped")
    return folds


def _row(groups: Mapping[Column, CellRuns], folds: set[int | None], metric: MetricChoice, baseline: str) -> Row:
    runs = [run for group in groups.values() for run in group.runs]
    facts = fullest(run.facts for run in runs)
    labels = facts.labels
    cells = {column: group.cell(labels, folds, metric) for column, group in groups.items()}
    ranks = {
        column: metric.rank(cell.score) for column, cell in cells.items() if cell.ranked and cell.score is not None
    }
    for column, cell in cells.items():
        reference = _reference(column, groups, baseline)
        both = reference is not None and cell.ranked and cells[reference].ranked
        compared: dict[str, Any] = {}
        if reference is not None and both and metric.metric.resampled:
            order = almost_stochastic_order(*(list(map(metric.rank, one.scores)) for one in (cell, cells[reference])))
            compared = groups[column].against(groups[reference], labels, metric) | {"order": order}
        best = len(ranks) > 1 and ranks.get(column) == max(ranks.values())
        cells[column] = replace(cell, best=best, **compared)
    return describe(groups, cells)


def _reference(column: Column, groups: Mapping[Column, CellRuns], baseline: str) -> Column | None:
    """Find the column of that name, or the strategy's cell of the same architecture, options and training."""
    named = next((other for other in groups if str(other) == baseline), None)
    if named is not None or column.strategy == baseline:
        return None if named == column else named
    return next(
        (
            other
            for other in sorted(groups)
            if (other.architecture, other.strategy) == (column.architecture, baseline)
            and _shared(groups[other]) == _shared(groups[column])
        ),
        None,
    )


def _shared(group: CellRuns) -> dict[str, Any]:
    """Return the options that a baseline must have in common with what is compared with it."""
    return {
        name: value for name, value in group.runs[0].variant.items() if not name.startswith(("strategy.", "source"))
    }


def _corrected(rows: Sequence[Row]) -> list[Row]:
    """Correct all p values of the table for their number."""
    places = [(i, column) for i, row in enumerate(rows) for column, cell in row.cells.items() if cell.against]
    adjusted = holm([rows[i].cells[column].against.p for i, column in places])  # type: ignore[union-attr]
    cells = [dict(row.cells) for row in rows]
    for (i, column), p in zip(places, adjusted, strict=True):
        cells[i][column] = replace(cells[i][column], p=p)
    return [replace(row, cells=changed) for row, changed in zip(rows, cells, strict=True)]
