"""Methods of a matrix: loss, optimiser and augmentations that a recipe names, with all combinations of options."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from emonet_bench.config import Options, Training, parse
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.file import Matrix, variants
from emonet_bench.metrics.choice import MetricChoice, choose_metric
from emonet_bench.plugins.loading import Plugins
from emonet_bench.plugins.registries import Origin, Registry
from emonet_bench.types import Target
from emonet_bench.types.targets import USUAL_LOSSES

_FIELDS = {"loss": "loss", "optimizer": "optimizer", "augmentation": "augment"}
"""Kinds of methods, which are tables of a matrix file, too, and the options of a training that name some."""


def with_options(recipe: Training, matrix: Matrix, plugins: Plugins, known: Training | None = None) -> list[Training]:
    """Return a recipe once for each combination of its methods' options in a matrix file.

    Args:
        recipe: Names the methods; options in it are replaced.
        matrix: Has the tables of options.
        plugins: Where methods are registered.
        known: A recipe whose options are kept where it names the same method.

    Raises:
        ConfigError: A name or an option is wrong.
    """
    found = [
        [getattr(known, f"{kind}_options")]
        if known is not None and getattr(known, field) == getattr(recipe, field)
        else list(_options_of(kind, field, recipe, matrix, plugins))
        for kind, field in _FIELDS.items()
    ]
    fields = [f"{kind}_options" for kind in _FIELDS]
    return [
        recipe.model_copy(update=dict(zip(fields, combination, strict=True)))
        for combination in itertools.product(*found)
    ]


def _options_of(kind: str, field: str, recipe: Training, matrix: Matrix, plugins: Plugins) -> Iterator[dict[str, Any]]:
    """Yield each combination of the options of what a recipe names; of augmentations, by their names."""
    named, tables = getattr(recipe, field), getattr(matrix, kind)
    if isinstance(named, str):
        yield from _option_sets(kind, named, f"training.{field}", tables, plugins)
        return
    if len(set(named)) < len(named):
        raise ConfigError(f"training.{field}: {named} names one twice; leave one out")
    mixing = [name for name in named if plugins.augmentations.named(name, f"training.{field}").on == "batch"]
    if len(mixing) > 1:
        raise ConfigError(f"training.{field}: {' and '.join(mixing)} both change whole batches; choose one")
    sets = [_option_sets(kind, name, f"training.{field}", tables, plugins) for name in named]
    for combination in itertools.product(*sets):
        yield {name: options for name, options in zip(named, combination, strict=True) if options}


def source_recipes(recipe: Training, matrix: Matrix, plugins: Plugins) -> list[Training]:
    """Return how the source of a cell is trained: as the cell, where ``source_training`` says nothing else."""
    changed = parse(Training, {**recipe.model_dump(), **matrix.source_training}, "source_training")
    return with_options(changed, matrix, plugins, recipe)


def selection_of(recipe: Training, plugins: Plugins) -> MetricChoice | None:
    """Return the metric that a recipe names to select on dev; None where it names none.

    Raises:
        ConfigError: There is no such metric.
    """
    return None if recipe.selection is None else choose_metric(recipe.selection, plugins.metrics, "training.selection")


def check_recipe(recipe: Training, corpus: OpenCorpus, name: str, plugins: Plugins, *, fitted: bool) -> None:
    """Hold a recipe's loss, the metric that selects, and auxiliary targets to a corpus.

    Args:
        recipe: The recipe.
        corpus: What is trained on.
        name: Its name in the matrix.
        plugins: Where methods are registered.
        fitted: Whether the architecture is fitted: it has no loss.

    Raises:
        ConfigError: One does not fit.
    """
    if not fitted:
        check_loss(recipe, corpus, plugins)
    check_selection(recipe, corpus.target, name, plugins)
    check_auxiliary(recipe, corpus, plugins)


def check_loss(recipe: Training, corpus: OpenCorpus, plugins: Plugins) -> None:
    """Hold a recipe's loss, and its options, to what a corpus predicts.

    Raises:
        ConfigError: It does not fit.
    """
    loss = plugins.losses[recipe.loss]
    corpus.check_loss(loss, plugins.losses.values())
    if loss.check is None:
        return
    try:
        loss.check(parse(loss.options, recipe.loss_options, f"loss.{loss.name}"), corpus.target.names)
    except ConfigError as error:
        raise ConfigError(f"{error} (target {corpus.target.name!r} of {corpus.corpus.name})") from None


def check_selection(recipe: Training, target: Target, corpus: str, plugins: Plugins) -> None:
    """Hold the metric that selects on dev to what is predicted.

    Raises:
        ConfigError: It does not fit; one line that names metrics that do.
    """
    chosen = selection_of(recipe, plugins)
    if chosen is not None and (reason := chosen.misfit(target.kind, target.names)):
        fitting = ", ".join(name for name, metric in plugins.metrics.items() if target.kind in metric.kinds)
        raise ConfigError(f"training.selection: {corpus}: {reason}; metrics that fit: {fitting}")


def check_auxiliary(recipe: Training, corpus: OpenCorpus, plugins: Plugins) -> None:
    """Hold the auxiliary targets of a recipe to what a corpus has, and their losses to them.

    Raises:
        ConfigError: One is not there, or does not fit.
    """
    for name in recipe.auxiliary:
        target = corpus.auxiliary_target(name)
        wanted = recipe.auxiliary_losses.get(name, USUAL_LOSSES[target.kind])
        loss = plugins.losses.named(wanted, f"training.auxiliary_losses.{name}")
        if target.kind not in loss.kinds or (loss.ordered and not corpus.corpus.ordered):
            what = target.kind if target.kind not in loss.kinds else "labels without an order"
            raise ConfigError(
                f"training.auxiliary_losses: {loss.name!r} does not fit {name!r} of {corpus.corpus.name}, which is "
                f"{what}; see 'emonet-bench plugins list' for others"
            )
    mixing = [name for name in recipe.augment if plugins.augmentations[name].on == "batch"]
    if recipe.auxiliary and mixing:
        raise ConfigError(
            f"training.augment: {mixing[0]} mixes clips, and training.auxiliary learns what single ones say; leave one "
            "of the two out"
        )


def method_origins(recipe: Training, plugins: Plugins) -> Iterator[Origin]:
    """Yield the plugins whose code a recipe's methods are; the host's own is not part of what identifies a run."""
    for kind, field in _FIELDS.items():
        named = getattr(recipe, field)
        further = recipe.auxiliary_losses.values() if kind == "loss" else ()
        for name in [named, *further] if isinstance(named, str) else named:
            origin = _registry(plugins, kind).origin(name)
            if not origin.shipped:
                yield origin
    chosen = selection_of(recipe, plugins)
    if chosen is not None and not (origin := plugins.metrics.origin(chosen.metric.name)).shipped:
        yield origin


def check_methods(matrix: Matrix, plugins: Plugins) -> None:
    """Hold the tables of the options of methods and of executors to names and options that are known.

    Raises:
        ConfigError: One is unknown, or options stand elsewhere.
    """
    for kind in _FIELDS:
        for name, values in getattr(matrix, kind).items():
            list(variants(_registry(plugins, kind).named(name, kind).options, values, f"{kind}.{name}"))
        for where in ("training", "source_training"):
            tables = [getattr(matrix, where), *filter(_is_table, getattr(matrix, where).values())]
            if any(f"{kind}_options" in table for table in tables):
                raise ConfigError(f"{where}.{kind}_options: write them in a table [{kind}.NAME] of the matrix file")
    for name, values in matrix.executor.items():
        parse(plugins.executors.named(name, "executor").options, values, f"executor.{name}")


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _registry(plugins: Plugins, kind: str) -> Registry[Any]:
    known: dict[str, Registry[Any]] = {
        "loss": plugins.losses,
        "optimizer": plugins.optimizers,
        "augmentation": plugins.augmentations,
    }
    return known[kind]


def _option_sets(
    kind: str, name: str, where: str, tables: Mapping[str, Mapping[str, Any]], plugins: Plugins
) -> Iterator[dict[str, Any]]:
    """Yield the options of a method for each combination of the lists in its table."""
    model = _registry(plugins, kind).named(name, where).options
    for options in variants(model, tables.get(name, {}), f"{kind}.{name}"):
        yield set_options(options)


def set_options(options: Options) -> dict[str, Any]:
    """Return all options, or none where all have their defaults: more of them later change no run's id.

    >>> set_options(Training()), set_options(Training(epochs=3))["epochs"]
    ({}, 3)
    """
    return options.model_dump(mode="json") if options.model_dump(exclude_defaults=True) else {}
