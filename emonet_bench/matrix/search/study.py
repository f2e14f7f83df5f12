"""The study: one search for one tuned row, in one fold or in all; its state is derived from the trials that ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from emonet_bench.matrix.search.halving import Rung, promoted
from emonet_bench.matrix.search.samplers import Tried, generation
from emonet_bench.matrix.search.space import Space
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.search import Point, Search, SearchFacts, TrialFacts
from emonet_bench.runs.spec import Cell


@dataclass(frozen=True)
class Ended:
    """What came of a cell of a trial.

    Attributes:
        value: On dev, the larger the better: of a metric of which less is better its negative. None: it failed or was
            skipped.
        seconds: That it took.
        higher_is_better: Whether more of the metric is better.
    """

    value: float | None = None
    seconds: float = 0.0
    higher_is_better: bool = True

    @classmethod
    def of(cls, record: RunRecord | None) -> Ended:
        """Say what came of a cell by its record: the metric that selects on dev.

        Args:
            record: Its record; None: it was skipped or left none.
        """
        if record is None or record.scores is None:
            return cls()
        seconds, dev, chosen = sum(record.seconds.values()), record.scores["dev"], record.selection
        if chosen is not None:
            value = chosen.dev if chosen.higher_is_better else -chosen.dev
            return cls(value, seconds, chosen.higher_is_better)
        named = record.spec.training.selection
        return cls(dev.headline[1] if named is None else dev.by_metric.get(named), seconds)


@dataclass(frozen=True)
class Trial:
    """A proposal.

    Attributes:
        point: Its options.
        epochs: That it is trained for.
        cells: Its cells, each source before the cells that start from it.
    """

    point: Point
    epochs: int
    cells: tuple[Cell, ...]

    @property
    def targets(self) -> list[Cell]:
        """The cells whose dev counts."""
        return [cell for cell in self.cells if cell.wanted]

    def ended(self, outcomes: Mapping[str, Ended]) -> bool:
        """Whether all of its cells have ended."""
        return all(cell.run_id in outcomes for cell in self.targets)

    def value(self, outcomes: Mapping[str, Ended]) -> float | None:
        """The mean of its cells on dev; None where one of them failed."""
        values = [outcomes[cell.run_id].value for cell in self.targets]
        return None if None in values else fmean(value for value in values if value is not None)

    def seconds(self, outcomes: Mapping[str, Ended]) -> float:
        """What its cells took together."""
        return sum(outcomes[cell.run_id].seconds for cell in self.targets)


@dataclass
class Study:
    """One search for one tuned row. All that it proposes follows from its search and from how its trials ended.

    Attributes:
        title: The row in words.
        search: How it is searched; its space is this row's.
        space: Where.
        rungs: Of the pruner, the first one with the most trials of all; a single one without a pruner.
        sample: The cells of a trial with the options that are not searched: what one is like.
        expand: Makes the trial of a point on a rung.
        complete: Makes the tuned cells of a trial.
    """

    title: str
    search: Search
    space: Space
    rungs: Sequence[Rung]
    sample: Trial
    expand: Callable[[Point, Rung], Trial]
    complete: Callable[[Trial, SearchFacts], list[Cell]]
    _trials: list[Trial] = field(default_factory=list, init=False)
    _rung: int = field(default=0, init=False)
    _rung_begins: int = field(default=0, init=False)  # with this trial
    _concluded: bool = field(default=False, init=False)

    @property
    def trained_cells(self) -> int:
        """The most cells that its trials train, sources not counted."""
        return sum(rung.trials for rung in self.rungs) * len(self.sample.targets)

    def proceed(self, outcomes: Mapping[str, Ended]) -> list[Cell]:
        """Return the cells that are to be run, given what has ended so far.

        Once all trials have ended these are the tuned cells, and from then on none.
        """
        while not self._concluded and all(trial.ended(outcomes) for trial in self._trials):
            following = self._proposed(outcomes) or self._promoted(outcomes)
            if not following:
                self._concluded = True
                return self._completed(outcomes)
            self._trials += following
        return [cell for trial in self._trials if not trial.ended(outcomes) for cell in trial.cells]

    def _proposed(self, outcomes: Mapping[str, Ended]) -> list[Trial]:
        first = self.rungs[0]
        spent = sum(trial.seconds(outcomes) for trial in self._trials)
        if self._rung or len(self._trials) >= first.trials or spent >= (self.search.seconds or float("inf")):
            return []
        tried = [Tried(trial.point, trial.value(outcomes)) for trial in self._trials]
        return [self.expand(point, first) for point in generation(self.search, self.space, tried, first.trials)]

    def _promoted(self, outcomes: Mapping[str, Ended]) -> list[Trial]:
        if self._rung + 1 == len(self.rungs):
            return []
        below, rung = self._trials[self._rung_begins :], self.rungs[self._rung + 1]
        best = promoted([trial.value(outcomes) for trial in below], rung.trials)
        self._rung, self._rung_begins = self._rung + 1, len(self._trials)
        return [self.expand(below[place].point, rung) for place in best]

    def _completed(self, outcomes: Mapping[str, Ended]) -> list[Cell]:
        values = [trial.value(outcomes) for trial in self._trials]
        best = promoted(values[self._rung_begins :], 1)
        chosen = self._rung_begins + best[0] if best else 0
        targets = [cell.run_id for trial in self._trials for cell in trial.targets]
        higher = all(outcomes[run_id].higher_is_better for run_id in targets)
        trials = [
            TrialFacts(
                number=number,
                options=trial.point,
                epochs=trial.epochs,
                dev=value if value is None or higher else -value,
                runs=[cell.run_id for cell in trial.targets],
                seconds=round(trial.seconds(outcomes), 3),
            )
            for number, (trial, value) in enumerate(zip(self._trials, values, strict=True))
        ]
        further = {} if higher else {"higher_is_better": False}  # most say nothing of it, as they always have
        cells = self.complete(self._trials[chosen], SearchFacts(chosen=chosen, trials=trials, **further))
        return cells if best else [replace(cell, skip=_NONE_FINISHED) for cell in cells]


_NONE_FINISHED = "no trial of its search has finished"
