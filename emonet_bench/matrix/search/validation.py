"""Validation of a search: its options are held to what may be searched, and its values to what these take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from emonet_bench.config import Training, axes
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.choices import Choice
from emonet_bench.matrix.planning.file import Matrix
from emonet_bench.matrix.planning.planner import Planner
from emonet_bench.matrix.search.space import ARCHITECTURE, Dimension
from emonet_bench.matrix.search.tpe import check_installed
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.search import Range, Search
from emonet_bench.validation_messages import did_you_mean

_NOT_SEARCHED = {
    "device": "says where a cell is computed",
    "threads": "says how a cell is computed",
    "features": "says what is kept",
    "limit": "says what is heard",
    "selection": "says by what is chosen",
    "loss_options": "is given by a table [loss.NAME]",
    "optimizer_options": "is given by a table [optimizer.NAME]",
}
_EPOCHS = "training.epochs"


def check_search(search: Search, planner: Planner) -> None:
    """Hold a search to what the matrix has.

    Raises:
        ConfigError: An option is none, is given as an axis or is no matter of choice, or the parts of the search do
            not go together.
    """
    if not search.space:
        raise ConfigError("search.space: names no option; give at least one, or leave [search] out")
    if planner.matrix.evaluate:
        raise ConfigError(
            "evaluate: zero-shot cells are not made of tuned runs; leave it out where there is a [search]"
        )
    for key, values in search.space.items():
        _check_key(key, planner.matrix)
        _check_no_axis(key, planner)
        if values == []:
            raise ConfigError(f"search.space.{key}: an empty list; give at least one value")
    _check_architectures(search, planner.matrix)
    _check_pruner(search, planner)
    if search.sampler == "tpe":
        check_installed()
    tuned = [choice for _, choice in planner.rows(tuned=True)]
    for key in search.space:
        if not any(choice.heard([key], planner.plugins) for choice in tuned):
            raise ConfigError(f"search.space.{key}: no row of the matrix depends on it; leave it out")


def _check_key(key: str, matrix: Matrix) -> None:
    part, _, name = key.rpartition(".")
    kind, _, owner = part.partition(".")
    names = [*matrix.architectures, *matrix.strategies]
    if key == ARCHITECTURE:
        return
    if kind == "options" and owner and owner not in names:
        raise ConfigError(f"search.space.{key}: the matrix has no {owner!r}{did_you_mean(owner, names)}")
    if part != "training" and not (kind == "options" and owner in names):
        raise ConfigError(
            f"search.space.{key}: no option; write it as training.NAME, options.ARCHITECTURE.NAME, "
            f"options.STRATEGY.NAME or {ARCHITECTURE}"
        )
    if part == "training" and name in _NOT_SEARCHED:
        raise ConfigError(f"search.space.{key}: {_NOT_SEARCHED[name]}, and is no matter of choice; leave it out")


def _check_no_axis(key: str, planner: Planner) -> None:
    """Hold a searched option to have no list in the matrix, which would be one more axis."""
    part, _, name = key.rpartition(".")
    owner, matrix, plugins = part.partition(".")[2], planner.matrix, planner.plugins
    given = [matrix.recipe(one, way) for one in matrix.architectures for way in matrix.strategies]
    if part == "training":
        listed = any(name in axes(Training, recipe) for recipe in given)
    elif key == ARCHITECTURE:
        listed = False
    else:
        registry = plugins.architectures if owner in matrix.architectures else plugins.strategies
        listed = name in axes(registry[owner].options, matrix.options.get(owner, {}))
    if listed:
        raise ConfigError(f"search.space.{key}: the matrix has a list of values for it, too; leave one of both out")


def _check_architectures(search: Search, matrix: Matrix) -> None:
    names = search.space.get(ARCHITECTURE)
    if names is None:
        return
    if isinstance(names, Range) or set(names) != set(matrix.architectures) or len(set(names)) != len(names):
        raise ConfigError(
            f"search.space.{ARCHITECTURE}: give the list of the matrix's architectures, "
            f"[{', '.join(map(repr, matrix.architectures))}]"
        )


def _check_pruner(search: Search, planner: Planner) -> None:
    if search.pruner == "none":
        return
    for _, choice in planner.rows(tuned=True):
        if planner.plugins.architectures[choice.architecture].fit is not None:
            raise ConfigError(
                f"search.pruner: {search.pruner} trains for few epochs first, and {choice.architecture} is fitted "
                "without epochs; take none"
            )
    if _EPOCHS in search.space:
        raise ConfigError(f"search.pruner: {search.pruner} chooses the epochs; leave {_EPOCHS} out of the space")
    if search.seconds is not None:
        raise ConfigError(
            f"search.seconds: would end {search.pruner} before its last epochs; give trials or cells as the budget"
        )


def dimensions(search: Search, choice: Choice, plugins: Plugins) -> tuple[Dimension, ...]:
    """Return the dimensions of a search that a choice hears; every value is one that its option takes.

    Raises:
        ConfigError: There is no such option, a value is wrong, or the matrix gives the option as an axis.
    """
    return tuple(
        _dimension(key, search.space[key], choice, plugins)
        for key in sorted(choice.heard(search.space, plugins))
        if key != ARCHITECTURE
    )


def _dimension(key: str, values: list[Any] | Range, choice: Choice, plugins: Plugins) -> Dimension:
    ends = [values.low, values.high] if isinstance(values, Range) else values
    for value in ends:
        choice.with_options({key: value}, plugins, "search.space")
    if not isinstance(values, Range):
        return Dimension(key, tuple(values))
    model = choice.model(key, plugins)
    assert model is not None
    kinds = set(_kinds(model.model_fields[key.rpartition(".")[2]].annotation))
    if not kinds & {int, float}:
        raise ConfigError(f"search.space.{key}: a range, and the option takes no numbers; give a list of values")
    if float not in kinds and not all(isinstance(value, int) for value in ends):
        raise ConfigError(f"search.space.{key}: the option takes whole numbers; give low and high as such")
    return Dimension(key, values, whole=float not in kinds)


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the types that an option's annotation is made of."""
    if isinstance(annotation, type) and not get_args(annotation):
        yield annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)
