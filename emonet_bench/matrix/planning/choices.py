"""Choices: every combination of a matrix's options, before corpus, fold and source."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from emonet_bench.config import Options, Training, parse
from emonet_bench.matrix.planning.file import Matrix, variants
from emonet_bench.matrix.planning.methods import with_options
from emonet_bench.plugins.loading import Plugins

HEARD_BY_FIT = ("sampling_rate", "evaluation", "window", "limit", "device", "threads", "selection")
"""Options of a training that a fit and its evaluation may depend on; ``build`` is given the window."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


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
        if fitted and (strategy.needs_source or strategy.multi_corpus or strategy.teacher):
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


@dataclass(frozen=True)
class Choices:
    """The combinations of a matrix's options.

    Attributes:
        matrix: The matrix.
        plugins: Where names are registered.
        resolve: Replaces ``auto`` in the training options by what this machine has.
    """

    matrix: Matrix
    plugins: Plugins
    resolve: Callable[[Training], Training]

    def __iter__(self) -> Iterator[Choice]:
        for architecture, strategy in itertools.product(self.matrix.architectures, self.matrix.strategies):
            yield from self.of(architecture, strategy, self.matrix.seeds)

    def of(
        self, architecture: str, strategy: str, seeds: Sequence[int], differing: Mapping[str, Any] = _NOTHING
    ) -> Iterator[Choice]:
        """Combine the options of an architecture and a strategy.

        Args:
            architecture: Its name.
            strategy: Likewise.
            seeds: The seeds.
            differing: Options of the architecture that differ from the matrix's.
        """
        combinations = itertools.product(
            self.options(self.plugins.architectures[architecture].options, architecture, differing=differing),
            self.options(self.plugins.strategies[strategy].options, strategy),
            self._recipes(architecture, strategy),
            seeds,
        )
        for architecture_options, strategy_options, training, seed in combinations:
            yield Choice(architecture, architecture_options, strategy, strategy_options, self.resolve(training), seed)

    def options(
        self,
        model: type[Options],
        name: str,
        default: Mapping[str, Any] = _NOTHING,
        differing: Mapping[str, Any] = _NOTHING,
    ) -> list[dict[str, Any]]:
        """List what the options of an architecture or a strategy may be.

        Args:
            model: Its options model.
            name: Its name.
            default: Where the matrix says nothing.
            differing: Whatever the matrix says.
        """
        values = {**default, **self.matrix.options.get(name, {}), **differing}
        return [options.model_dump(mode="json") for options in variants(model, values, f"options.{name}")]

    def _recipes(self, architecture: str, strategy: str) -> list[Training]:
        """List the trainings; those that an architecture that is fitted cannot tell apart are one, the first."""
        recipes = [
            recipe
            for said in variants(Training, self.matrix.recipe(architecture, strategy), "training")
            for recipe in with_options(said, self.matrix, self.plugins)
        ]
        if self.plugins.architectures[architecture].fit is None:
            return recipes
        first: dict[tuple[Any, ...], Training] = {}
        for recipe in recipes:
            first.setdefault(tuple(getattr(recipe, name) for name in HEARD_BY_FIT), recipe)
        return list(first.values())


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
