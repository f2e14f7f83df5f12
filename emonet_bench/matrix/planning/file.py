"""The matrix file: corpora x architectures x strategies x seeds, and where transfer starts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from emonet_bench.config import Options, Training, axes, option, parse
from emonet_bench.data.corpus_entry import CorpusEntry
from emonet_bench.errors import ConfigError
from emonet_bench.runs.search import Search
from emonet_bench.validation_messages import did_you_mean

ALL_OTHERS = "multi-task"
"""The source that is trained on every corpus of the matrix but the target."""

ALL = "multi-task+target"
"""The source that is trained on every corpus of the matrix, on the target's train partition, too."""


Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""A seed that every library takes."""


class Matrix(Options):
    """A matrix file. In ``training`` and in tables of options, a list where a single value stands is one more axis."""

    corpora: list[str] | dict[str, CorpusEntry] = option(..., "Corpora, as names or as a table of entries.")
    architectures: list[str] = option(..., "Architectures.")
    strategies: list[str] = option(["scratch"], "Strategies.")
    seeds: list[Seed] = option([0], "Seeds.")
    source: str = option(
        ALL_OTHERS,
        "Where transfer starts: 'multi-task' (all other corpora of the matrix), 'multi-task+target' (the target's "
        "train partition as well), a corpus, a run's directory or its checkpoint.",
    )
    source_strategy: str | None = option(
        None, "The strategy that trains sources; none: 'multi-task' on several corpora and 'scratch' on one."
    )
    training: dict[str, Any] = option(
        {}, "Options of the training; a table of an architecture's or a strategy's name in it holds those that differ."
    )
    source_training: dict[str, Any] = option({}, "Options of the training of sources, where they differ.")
    options: dict[str, dict[str, Any]] = option({}, "Options of architectures and strategies, by name.")
    loss: dict[str, dict[str, Any]] = option({}, "Options of losses, by name.")
    optimizer: dict[str, dict[str, Any]] = option({}, "Options of optimisers, by name.")
    augmentation: dict[str, dict[str, Any]] = option({}, "Options of augmentations, by name.")
    executor: dict[str, dict[str, Any]] = option({}, "Options of executors, by name; no run's id depends on them.")
    evaluate: list[str] = option(
        [],
        "Label maps, such as '4-class': each network that was trained on one corpus and from nothing is also scored on "
        "every other corpus of the matrix that has the map, without training (zero-shot).",
    )
    search: Search | None = option(
        None, "Tunes every row that it has an option of: trials never see test, and the best on dev is tested once."
    )
    exclude: list[dict[str, str | int | list[str | int]]] = option(
        [], "Cells to leave out: each entry gives values of corpus, architecture, strategy or seed that occur together."
    )

    @model_validator(mode="before")
    @classmethod
    def _training_has_its_table(cls, values: Any) -> Any:
        """Say where an option of the training belongs that stands beside the table."""
        if isinstance(values, Mapping):
            for name in Training.model_fields.keys() & values.keys() - cls.model_fields.keys():
                raise ValueError(f"{name}: is an option of the training; write it below [training]")
        return values

    def recipe(self, architecture: str, strategy: str) -> dict[str, Any]:
        """Return what the file says of the training of an architecture by a strategy.

        >>> given = {"epochs": 40, "window": 3.0, "whisper": {"window": None}}
        >>> matrix = Matrix(corpora=["emodb"], architectures=["whisper"], training=given)
        >>> matrix.recipe("whisper", "scratch")
        {'epochs': 40, 'window': None}
        """
        tables = self.own_trainings
        common: dict[str, Any] = {name: value for name, value in self.training.items() if name not in tables}
        return {**common, **tables.get(architecture, {}), **tables.get(strategy, {})}

    @property
    def own_trainings(self) -> dict[str, Mapping[str, Any]]:
        """The tables in ``training`` that are of one architecture or strategy each, by its name."""
        fields = Training.model_fields
        return {
            name: value for name, value in self.training.items() if isinstance(value, Mapping) and name not in fields
        }

    @property
    def entries(self) -> dict[str, CorpusEntry]:
        """The corpora with what is said of them."""
        named = self.corpora
        return named if isinstance(named, dict) else {name: CorpusEntry() for name in named}


def variants(model: type[Any], values: Mapping[str, Any], where: str) -> Iterator[Any]:
    """Yield the model once for each combination of the lists among its values.

    Raises:
        ConfigError: A value is wrong, or a list is empty.

    >>> from emonet_bench.config import Training
    >>> [variant.epochs for variant in variants(Training, {"epochs": [5, 10], "loss": "focal"}, "training")]
    [5, 10]
    """
    for name in values.keys() - model.model_fields.keys():  # before defaults are looked up, on a hub perhaps
        raise ConfigError(f"{where}.{name}: unknown option{did_you_mean(name, model.model_fields)}")
    lists = axes(model, values)
    for name, listed in lists.items():
        if not listed:
            raise ConfigError(f"{where}.{name}: an empty list; give at least one value, or leave it out")
    for combination in itertools.product(*lists.values()):
        yield parse(model, {**values, **dict(zip(lists, combination, strict=True))}, where)
