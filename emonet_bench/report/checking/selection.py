"""The score by which a run was selected: does what its record says of dev follow from its predictions?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import fmean
from typing import Any

import numpy.typing as npt

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.report.predictions import Predictions
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord

Choose = Callable[[str], MetricChoice]
"""Looks up a metric by its name; raises ``ConfigError`` where none is registered."""

_WRITTEN = 1e-5
"""Probabilities of labels are written with six digits; what is predicted of other targets with all."""

_ROUNDING = 1e-9


def selection_problems(files: RunFiles, record: RunRecord, choose: Choose) -> Iterator[str]:
    """Compute what the metric says of dev that a recipe names, and yield a line for each thing that is not as stated.

    Args:
        files: The run's.
        record: Its record; one that states no such score has no such problem.
        choose: Looks up the metric.

    Raises:
        ConfigError: The metric is not registered here.
        StoreError: The predictions cannot be read.
    """
    stated, named = record.selection, record.spec.training.selection
    if stated is None:
        return
    if stated.metric != named:
        yield f"selection: stated by {stated.metric}, but the recipe names {named}"
        return
    chosen = choose(stated.metric)
    corpora = [ref.name for ref in record.spec.scored_corpora()]
    try:
        own = fmean(_dev_score(files, record, corpus, chosen) for corpus in corpora)
    except CorpusError as error:
        yield f"selection: stated {stated.dev:.6f}, but {error}"
        return
    labelled = all(record.facts(corpus).target is None for corpus in corpora)
    if not abs(own - stated.dev) <= (_WRITTEN if labelled else _ROUNDING) * max(1.0, abs(own)):
        yield f"selection, {chosen} on dev: stated {stated.dev:.6f}, but the predictions give {own:.6f}"
    if stated.higher_is_better != chosen.metric.higher_is_better:
        less, more = ("less", "more") if stated.higher_is_better else ("more", "less")
        yield f"selection: stated that {more} of {chosen} is better, but {less} is"


def _dev_score(files: RunFiles, record: RunRecord, corpus: str, chosen: MetricChoice) -> float:
    truth, predicted = _dev(files, record, corpus)
    return chosen.dev_score(truth, predicted, record.facts(corpus).labels)


def _dev(files: RunFiles, record: RunRecord, corpus: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return truth and predictions of a corpus on dev, as metrics take them."""
    facts = record.facts(corpus)
    if facts.target is not None:
        others = files.read_target_predictions(record, corpus).part("dev")
        found = Predictions([*others.utterances], [*others.speakers], [], [], [], [*others.predicted], [*others.truth])
        return found.arrays(facts.labels)
    table = files.read_predictions(record, corpus).part("dev")
    order = [table.labels.index(label) for label in facts.labels]
    numbers = [[row[place] for place in order] for row in table.probabilities()]
    found = Predictions(table.utterances, table.speakers, table.truth, table.prediction, table.confidence(), [*numbers])
    return found.arrays(facts.labels)
