"""The choice: one resolved combination of architecture, strategy, training and seed, and all those of a matrix."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from emonet_bench.config import Options, Training, parse
from emonet_bench.matrix.file import Matrix, variants
from emonet_bench.matrix.methods import with_options
from emonet_bench.plugins.loading import Plugins

HEARD_BY_FIT = ("sampling_rate", "evaluation", "window", "limit", "device", "threads")
"""Options of a training that a fit and its evaluation may depend on; ``build`` is given the window."""


@dataclass(frozen=True)
class Choice:
    """One resolved combination, without corpus, fold and source."""

    architecture: str
    architecture_options: dict[str, Any]
    strategy: str
    strategy_options: dict[str, Any]
    training: Training
    seed: int

    def model(self, key: str, plugins: Plugins) -> type[Options] | None:
        """Return the options that a key such as ``training.epochs`` or ``options.cnn.dropout`` is one of.

        Args:
            key: The key.
            plugins: Where architecture and strategy are registered.

        Returns:
            None where it is one of another architecture or strategy.
        """
        part = key.rpartition(".")[0]
        if part == "training":
            return Training
        if part == f"options.{self.architecture}":
            return plugins.architectures[self.architecture].options
        return plugins.strategies[self.strategy].options if part == f"options.{self.strategy}" else None

    def heard(self, keys: Iterable[str], plugins: Plugins) -> list[str]:
        """Return those of some keys that the choice depends on; none where it cannot be trained at all.

        Args:
            keys: Keys as in ``model``; ``architecture`` is heard where there is a choice.
            plugins: Where architecture and strategy are registered.
        """
        strategy = plugins.strategies[self.strategy]
        fitted = plugins.architectures[self.architecture].fit is not None
        if fitted and (strategy.needs_source or strategy.multi_corpus):
            return []
        return [
            key
            for key in keys
            if key == "architecture"
            or (
                self.model(key, plugins) is not None
                and not (fitted and key.startswith("training.") and key.partition(".")[2] not in HEARD_BY_FIT)
            )
        ]

    def with_options(self, point: Mapping[str, Any], plugins: Plugins, where: str) -> Choice:
        """Return the choice with other values for some options.

        Args:
            point: The values by key; those of other architectures and strategies say nothing here.
            plugins: Where architecture and strategy are registered.
            where: Where the values come from, for the message.

        Raises:
            ConfigError: There is no such option, or a value is wrong.
        """
        changed: dict[str, dict[str, Any]] = {}
        for key, value in point.items():
            if self.model(key, plugins) is not None:
                part, _, name = key.rpartition(".")
                changed.setdefault(part, {})[name] = value
        architecture, strategy = f"options.{self.architecture}", f"options.{self.strategy}"
        values = {**self.training.model_dump(), **changed.get("training", {})}
        return replace(
            self,
            training=parse(Training, values, f"{where}: training"),
            architecture_options=self._options(architecture, self.architecture_options, changed, plugins, where),
            strategy_options=self._options(strategy, self.strategy_options, changed, plugins, where),
        )

    def _options(
        self, part: str, own: dict[str, Any], changed: Mapping[str, dict[str, Any]], plugins: Plugins, where: str
    ) -> dict[str, Any]:
        if part not in changed:
            return own
        model = self.model(f"{part}.", plugins)
        assert model is not None
        return parse(model, {**own, **changed[part]}, f"{where}: {part}").model_dump(mode="json")


def choices(matrix: Matrix, plugins: Plugins, resolve: Callable[[Training], Training]) -> Iterator[Choice]:
    """Yield every combination of a matrix's architectures, strategies, options and seeds.

    Args:
        matrix: The matrix.
        plugins: Where names are registered.
        resolve: Replaces ``auto`` in the training options by what this machine has.
    """
    for architecture, strategy in itertools.product(matrix.architectures, matrix.strategies):
        combinations = itertools.product(
            option_variants(matrix, plugins.architectures[architecture].options, architecture),
            option_variants(matrix, plugins.strategies[strategy].options, strategy),
            _recipes(matrix, plugins, architecture, strategy),
            matrix.seeds,
        )
        for architecture_options, strategy_options, training, seed in combinations:
            yield Choice(architecture, architecture_options, strategy, strategy_options, resolve(training), seed)


def _recipes(matrix: Matrix, plugins: Plugins, architecture: str, strategy: str) -> list[Training]:
    """List the trainings; those that an architecture that is fitted cannot tell apart are one, the first."""
    recipes = [
        recipe
        for said in variants(Training, matrix.recipe(architecture, strategy), "training")
        for recipe in with_options(said, matrix, plugins)
    ]
    if plugins.architectures[architecture].fit is None:
        return recipes
    first: dict[tuple[Any, ...], Training] = {}
    for recipe in recipes:
        first.setdefault(tuple(getattr(recipe, name) for name in HEARD_BY_FIT), recipe)
    return list(first.values())


def option_variants(
    matrix: Matrix, model: type[Options], name: str, default: Mapping[str, Any] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """List the options of an architecture or a strategy, one set for each combination of the lists among them.

    Args:
        matrix: The matrix.
        model: The options.
        name: Of the architecture or strategy.
        default: What holds where the matrix says nothing.
    """
    values = {**default, **matrix.options.get(name, {})}
    return [options.model_dump(mode="json") for options in variants(model, values, f"options.{name}")]


def is_excluded(matrix: Matrix, corpus: str, choice: Choice) -> bool:
    """Tell whether a matrix leaves a choice out for a corpus."""
    values = {
        "corpus": corpus,
        "architecture": choice.architecture,
        "strategy": choice.strategy,
        "seed": choice.seed,
    }
    return any(
        all(values[key] in (wanted if isinstance(wanted, list) else [wanted]) for key, wanted in entry.items())
        for entry in matrix.exclude
    )
