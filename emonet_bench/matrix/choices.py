"""Choices: every combination of a matrix's options, before corpus, fold and source."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from emonet_bench.config import Options, Training
from emonet_bench.matrix.file import Matrix, variants
from emonet_bench.matrix.methods import with_options
from emonet_bench.plugins.loading import Plugins

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
            first.setdefault(_heard_by_fit(recipe), recipe)
        return list(first.values())


def _heard_by_fit(recipe: Training) -> tuple[Any, ...]:
    """Return the options of a training that a fit and its evaluation may depend on; ``build`` is given the window."""
    heard = recipe.sampling_rate, recipe.evaluation, recipe.window, recipe.limit
    return *heard, recipe.device, recipe.threads, recipe.selection
