"""Planning of a search: the studies of a matrix, one for each tuned row, or for each of its folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning import methods
from emonet_bench.matrix.planning.choices import Choice
from emonet_bench.matrix.planning.planner import Planner
from emonet_bench.matrix.search.halving import Rung, rungs
from emonet_bench.matrix.search.space import ARCHITECTURE, Space
from emonet_bench.matrix.search.study import Study, Trial
from emonet_bench.matrix.search.validation import check_search, dimensions
from emonet_bench.runs.search import DEFAULT_TRIALS, Point, Search, SearchFacts
from emonet_bench.runs.spec import Cell

_LARGEST_GRID = 10_000  # points of a grid whose number of trials is not given


@dataclass(frozen=True)
class _Row:
    """A tuned row.

    Attributes:
        planner: Of the matrix.
        search: With the space of this row alone.
        space: The same, made ready.
        corpus: Its name.
        bases: The choice that each architecture starts from.
        seeds: Of the tuned runs; the trials have the first one.
    """

    planner: Planner
    search: Search
    space: Space
    corpus: str
    bases: Mapping[str, Choice]
    seeds: Sequence[int]

    @property
    def first(self) -> Choice:
        """The choice of the first architecture."""
        return next(iter(self.bases.values()))

    def choice(self, point: Point) -> Choice:
        """Return the choice at a point."""
        base = self.bases[self.space.architecture(point)]
        changed = base.with_options(point, self.planner.plugins, "search.space")
        recipes = methods.with_options(changed.training, self.planner.matrix, self.planner.plugins, base.training)
        if len(recipes) > 1:
            raise ConfigError("search: a searched loss or optimiser has a list of values for an option; give it one")
        return replace(changed, training=recipes[0])

    def trial(self, point: Point, rung: Rung, folds: Sequence[int | None]) -> Trial:
        """Return the trial of a point on a rung."""
        choice = self.choice(point)
        epochs = rung.epochs(choice.training.epochs)
        choice = replace(choice, training=choice.training.model_copy(update={"epochs": epochs}))
        return Trial(point, epochs, tuple(self.planner.expand(self.corpus, choice, folds, trial=True)))

    def tuned(self, trial: Trial, facts: SearchFacts, folds: Sequence[int | None]) -> list[Cell]:
        """Return the tuned cells of a trial: those of its own seed take its weights over, the others are trained."""
        found: list[Cell] = []
        for seed in self.seeds:
            choice = replace(self.choice(trial.point), seed=seed)
            chosen = iter(trial.targets)
            for cell in self.planner.expand(self.corpus, choice, folds, search=self.search):
                own = next(chosen).run_id if cell.wanted and seed == self.first.seed else None
                found.append(replace(cell, chosen=own, search=facts) if cell.wanted else cell)
        return found


def plan_studies(planner: Planner) -> list[Study]:
    """Plan the studies of a matrix; none where nothing is searched.

    Args:
        planner: Of the matrix, whose names are checked.

    Raises:
        ConfigError: The search is wrong, or its budget allows no trial.
    """
    search = planner.matrix.search
    if search is None:
        return []
    check_search(search, planner)
    return [
        _study(row, folds)
        for row in _rows(search, planner)
        for every in [planner.folds(row.corpus, row.first)]
        for folds in ([[fold] for fold in every] if search.per == "fold" else [every])
    ]


def _rows(search: Search, planner: Planner) -> list[_Row]:
    """Gather the choices of the matrix that are one row: its seeds, and its architectures where these are searched."""
    found: dict[str, tuple[str, dict[str, Choice], list[int]]] = {}
    for corpus, choice in planner.rows(tuned=True):
        together = planner.plugins.strategies[choice.strategy].multi_corpus
        alike = (choice.strategy, choice.strategy_options) if ARCHITECTURE in search.space else replace(choice, seed=0)
        _, bases, seeds = found.setdefault(repr(("" if together else corpus, alike)), (corpus, {}, []))
        known = bases.setdefault(choice.architecture, choice)
        if replace(choice, seed=known.seed) != known:
            raise ConfigError(
                f"search.space.{ARCHITECTURE}: searched beside an axis, a list of values for an option of "
                f"{choice.architecture}; search that option, too, or give it one value"
            )
        if choice.seed not in seeds:
            seeds.append(choice.seed)
    return [_row(search, planner, *row) for row in found.values()]


def _row(search: Search, planner: Planner, corpus: str, bases: Mapping[str, Choice], seeds: Sequence[int]) -> _Row:
    by_architecture = {name: dimensions(search, choice, planner.plugins) for name, choice in bases.items()}
    space = Space(by_architecture, named=ARCHITECTURE in search.space)
    heard = {one.key for listed in by_architecture.values() for one in listed} | {ARCHITECTURE}
    own = {key: values for key, values in search.space.items() if key in heard}
    return _Row(planner, search.model_copy(update={"space": own}), space, corpus, bases, seeds)


def _study(row: _Row, folds: Sequence[int | None]) -> Study:
    named = {ARCHITECTURE: row.space.architectures[0]} if row.space.named else {}
    sample = row.trial(named, Rung(1, 1), folds)
    if len(sample.targets) != len(folds):
        raise ConfigError(
            "search: a row that starts from several sources cannot be tuned; give each option of the sources' strategy "
            "one value"
        )
    spec = sample.targets[0].spec
    title = spec.model_copy(update={"trial": False, "fold": spec.fold if row.search.per == "fold" else None}).title
    return Study(
        title,
        row.search,
        row.space,
        _rungs(row, title, len(folds)),
        sample,
        lambda point, rung: row.trial(point, rung, folds),
        lambda trial, facts: row.tuned(trial, facts, folds),
    )


def _rungs(row: _Row, title: str, folds: int) -> list[Rung]:
    """Return how many trials the budget allows, on each rung of the pruner."""
    search, trials = row.search, _most_trials(row)
    epochs = min(choice.training.epochs for choice in row.bases.values())
    if search.cells is not None:
        if search.cells < folds:
            raise ConfigError(f"search.cells: {search.cells} allows no trial of {title}, which trains {folds} cells")
        trials = min(trials, search.cells // folds)
    if search.pruner == "none":
        return [Rung(trials, 1)]
    allowed = search.cells or trials * folds * 2
    while (found := rungs(trials, epochs)) and sum(rung.trials for rung in found) * folds > allowed:
        trials -= 1
    return found


def _most_trials(row: _Row) -> int:
    search, size = row.search, row.space.size
    if search.sampler != "grid":
        trials = search.trials or DEFAULT_TRIALS
        return trials if size is None else min(trials, size)
    allowed = search.trials or _LARGEST_GRID
    points = sum(1 for _, _ in zip(row.space.points(), range(allowed + 1), strict=False))
    if points > allowed:
        more = f"{size} points" if size else "more points"
        raise ConfigError(f"search.trials: the grid has {more}, more than {allowed}; give fewer values, or more trials")
    return points
