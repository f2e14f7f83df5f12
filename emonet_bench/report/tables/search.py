"""Searches: what the search behind a tuned cell came to, on dev alone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np

from emonet_bench.report.tables.cells import CellRuns
from emonet_bench.runs.search import Search, SearchFacts, TrialFacts

if TYPE_CHECKING:
    from emonet_bench.report.tables.rows import Column, Row

_BINS = 4  # into which many numbers are put
_FEWEST = 8  # trials from which something can be said of importance


@dataclass(frozen=True)
class Study:
    """A search for one fold of a cell, or for all of its folds.

    Attributes:
        fold: The fold; None: all.
        search: How it was searched.
        facts: What came of it.
    """

    fold: int | None
    search: Search
    facts: SearchFacts

    @property
    def chosen(self) -> TrialFacts:
        """The trial that was chosen."""
        return self.facts.trials[self.facts.chosen]

    @property
    def values(self) -> list[float]:
        """The dev score of each trial that finished; with a pruner, of those of its first rung."""
        return [trial.dev for trial in self.facts.trials if trial.dev is not None and trial.epochs == self.epochs]

    @property
    def best(self) -> Callable[[Iterable[float]], float]:
        """``max``, or ``min`` where less of what selects on dev is better."""
        return max if self.facts.higher_is_better else min

    @property
    def epochs(self) -> int:
        """The epochs of the trials that are compared with each other: of all, or with a pruner of its first rung."""
        return self.facts.trials[0].epochs

    def expected_best(self, trials: int) -> float:
        """Return the dev score to be expected of the best of so many trials."""
        sign = 1 if self.facts.higher_is_better else -1
        return sign * expected_best([sign * value for value in self.values], trials)

    @property
    def independent(self) -> bool:
        """Whether its trials were proposed without regard to others."""
        return self.search.sampler == "random" and self.search.pruner == "none"


def studies(group: CellRuns) -> list[Study]:
    """Return the searches behind a cell, one for each fold where each was tuned by itself; none for an untuned cell."""
    found: dict[int | None, Study] = {}
    for run in group.scored:
        if run.search is not None and run.found is not None:
            fold = run.fold if run.search.per == "fold" else None
            found.setdefault(fold, Study(fold, run.search, run.found))
    return list(found.values())


def expected_best(values: Sequence[float], trials: int) -> float:
    """Return the value to be expected of the best of some trials drawn at random (Dodge et al. 2019).

    The distribution of the values is taken to be that of the observed ones: the best of n draws is at most the i-th of
    N sorted values with probability (i / N)^n.

    Args:
        values: Observed, at least one.
        trials: How many are drawn, with replacement.

    >>> expected_best([0.2, 0.4], 1), expected_best([0.2, 0.4], 2)
    (0.30000000000000004, 0.35000000000000003)
    """
    shares = np.arange(len(values) + 1) / len(values)
    return float(np.diff(shares**trials) @ np.sort(values))


def importance(study: Study) -> dict[str, float]:
    """Say how much of the variance of dev each searched option explains by itself; empty where trials are too few.

    Epsilon squared (Kelley 1935): the share between groups of alike values, less what chance explains; many numbers are
    put into four groups of equal size.
    """
    trials = [trial for trial in study.facts.trials if trial.dev is not None and trial.epochs == study.epochs]
    if len(trials) < _FEWEST:
        return {}
    return {
        key: _explained([(t.options[key], t.dev or 0.0) for t in trials if key in t.options])
        for key in study.search.space
    }


def _explained(pairs: Sequence[tuple[Any, float]]) -> float:
    values = [value for _, value in pairs]
    groups: dict[Any, list[float]] = defaultdict(list)
    for label, value in zip(_labels([option for option, _ in pairs]), values, strict=True):
        groups[label].append(value)
    total = sum((value - fmean(values)) ** 2 for value in values)
    if len(groups) < 2 or len(groups) == len(values) or not total:  # noqa: PLR2004
        return 0.0
    within = sum((value - fmean(group)) ** 2 for group in groups.values() for value in group)
    by_chance = (len(groups) - 1) * within / (len(values) - len(groups))
    return max(0.0, (total - within - by_chance) / total)


def _labels(options: Sequence[Any]) -> list[Any]:
    """Name the group of each value: itself, or of many numbers the quarter that it is in."""
    distinct = {repr(option) for option in options}
    if len(distinct) <= _BINS or not all(isinstance(option, int | float) for option in options):
        return [repr(option) for option in options]
    edges = np.quantile(options, np.linspace(0, 1, _BINS + 1)[1:-1])
    return [int(place) for place in np.searchsorted(edges, options, side="left")]


def search_notes(rows: Sequence[Row], pooled: Sequence[Mapping[Column, CellRuns]]) -> Iterator[str]:
    """Say what was searched for each tuned cell, and warn of what is compared with it, a line each.

    Args:
        rows: All rows.
        pooled: The runs of each cell, in the order of the rows.
    """
    for row, groups in zip(rows, pooled, strict=True):
        tuned = {column: found for column, group in groups.items() if (found := studies(group))}
        fewest = min((_trials(found) for found in tuned.values()), default=0)
        for column, found in tuned.items():
            yield f"{row.corpus} {column}: {_told(found, fewest)}"
        others = [str(column) for column, group in groups.items() if column not in tuned and group.scored]
        if tuned and others:
            yield f"{row.corpus}: tuned cells stand beside some that nobody tuned: {', '.join(others)}."


def _trials(found: Sequence[Study]) -> int:
    return min(len(study.values) for study in found)


def _told(found: Sequence[Study], fewest: int) -> str:
    search, count = found[0].search, sorted({len(study.facts.trials) for study in found})
    number = f"{count[0]}" if len(count) == 1 else f"{count[0]} to {count[-1]}"
    each = " in each fold" if len(found) > 1 else ""
    halved = ", pruned by halving" if search.pruner == "halving" else ""
    chosen = fmean(study.chosen.dev or 0.0 for study in found)
    middle = fmean(median(study.values) for study in found)
    trials = f"{number} {search.sampler} trials{each}{halved}"
    told = f"{trials}; dev score {chosen:.3f} of the chosen, {middle:.3f} of the median"
    if all(study.independent for study in found) and fewest:
        best = fmean(study.expected_best(fewest) for study in found)
        told += f", {best:.3f} to be expected of the best of {fewest}"
    return f"{told}."


def search_details(rows: Sequence[Row], pooled: Sequence[Mapping[Column, CellRuns]]) -> Iterator[str]:
    """Say what each search has chosen, a line for each.

    Args:
        rows: All rows.
        pooled: The runs of each cell, in the order of the rows.
    """
    for row, groups in zip(rows, pooled, strict=True):
        for column, group in groups.items():
            for study in studies(group):
                fold = "" if study.fold is None else f" f{study.fold}"
                yield f"{row.corpus} {column}{fold}: {chosen_options(study)} (trial {study.facts.chosen})"


def chosen_options(study: Study) -> str:
    """Write the options of the chosen trial: ``learning_rate = 0.003, width = 8``."""
    return ", ".join(f"{key.rpartition('.')[2]} = {value}" for key, value in study.chosen.options.items())


def best_so_far(study: Study) -> list[float]:
    """Return for each trial that finished the best dev score up to it."""
    return list(itertools.accumulate(study.values, lambda *both: study.best(both)))


def expected_curve(study: Study) -> list[float]:
    """Return the expected best of 1, 2, ... trials."""
    return [study.expected_best(count) for count in range(1, len(study.values) + 1)]
