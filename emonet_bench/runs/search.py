"""The hyper-parameter search: what a matrix file says of it, and what a run's record says that came of it."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from emonet_bench.config import Options, option
from emonet_bench.runs.facts import Count, Part, RunId, Seconds

Point = dict[Annotated[str, Field(max_length=200)], Any]
"""One value for each searched option, by its key, such as ``training.learning_rate``."""

DEFAULT_TRIALS = 20
"""Trials where nothing is said; of a grid: all of its points."""


class Range(Options):
    """A range of numbers, both ends included; of whole numbers where the option takes whole numbers."""

    low: int | float = option(..., "The smallest value.")
    high: int | float = option(..., "The largest value.")
    log: bool = option(default=False, description="Whether the logarithm is drawn evenly, instead of the value.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"an empty range; low must be below high, and {self.low} is not below {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range starts above 0; got low = {self.low}")
        return self


def _kind(values: object) -> str:
    return "list" if isinstance(values, list) else "range"


Values = Annotated[Annotated[list[Any], Tag("list")] | Annotated[Range, Tag("range")], Discriminator(_kind)]
"""What an option may be: a list of values, or a range."""


class Search(Options):
    """The ``[search]`` of a matrix file. All of it is part of what identifies a tuned run."""

    space: dict[str, Values] = option(
        ...,
        "What is searched: lists of values and ranges, by option: 'training.NAME', 'options.ARCHITECTURE.NAME', "
        "'options.STRATEGY.NAME', or 'architecture' itself.",
    )
    sampler: Literal["random", "grid", "tpe"] = option(
        "random", "How trials are proposed; tpe (Optuna's) learns from those that have ended."
    )
    trials: int | None = option(
        None, f"Most trials of a study; none: {DEFAULT_TRIALS}, of a grid all its points.", ge=1, le=100_000
    )
    pruner: Literal["none", "halving"] = option(
        "none",
        "halving: all trials are trained for few epochs, the best third for three times as many, and so on up to "
        "training.epochs.",
    )
    per: Literal["fold", "corpus"] = option(
        "fold",
        "What is chosen for: each fold by its own dev, or all folds of a corpus at once by the mean of theirs.",
    )
    seconds: float | None = option(
        None, "Seconds of work after which a study proposes no further trials; none: any.", gt=0
    )
    cells: int | None = option(None, "Most cells that the trials of a study train; none: any.", ge=1)
    seed: int = option(0, "Of the proposals; the trials themselves are trained with the first of the matrix's.", ge=0)

    @property
    def study_id(self) -> str:
        """Identify the search: the first digits of a SHA-256 of all that is said of it."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


class TrialFacts(Part):
    """One trial of a search."""

    number: Count = Field(description="From 0, in the order in which they were proposed.")
    options: Point = Field(description="What it tried.")
    epochs: Count = Field(description="Epochs that it was trained for, at the most; fewer where a pruner tried it.")
    dev: float | None = Field(
        None, description="Mean of the metric that selects on dev over its cells; null where one of them failed."
    )
    runs: Annotated[list[RunId], Field(max_length=10_000)] = Field(description="Its cells.")
    seconds: Seconds = Field(0.0, description="That its cells took together.")


class SearchFacts(Part):
    """What came of a search; in the record of a run whose options it chose."""

    higher_is_better: bool = Field(
        True,  # noqa: FBT003 - pydantic's default
        description="Whether more of what selects on dev is better; false where `training.selection` names an error.",
    )
    chosen: Count = Field(description="Number of the trial with the best dev score, whose options the run has.")
    trials: Annotated[list[TrialFacts], Field(max_length=100_000)] = Field(description="All of them.")
