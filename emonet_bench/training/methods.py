"""Methods of a training: loss, optimiser and augmentations that its recipe names, with their options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch

from emonet_bench.config import Training, parse
from emonet_bench.plugins.loading import Plugins
from emonet_bench.training.augmentation import Augmentations, Change
from emonet_bench.training.losses import Mean
from emonet_bench.training.optimisers import torch_groups
from emonet_bench.types import ParameterGroup, TargetSummary
from emonet_bench.types.targets import USUAL_LOSSES


@dataclass(frozen=True)
class Methods:
    """What a recipe names.

    Attributes:
        loss: Builds the loss for the targets of a corpus.
        optimizer: ``optimizer(groups, rate)`` makes one for parameter groups at a highest learning rate.
        augmentations: What is done to training clips.
        auxiliary: Builds losses of auxiliary targets, by the losses' names.
    """

    loss: Callable[[TargetSummary], Mean]
    optimizer: Callable[[Sequence[ParameterGroup], float], torch.optim.Optimizer]
    augmentations: Augmentations
    auxiliary: Mapping[str, Callable[[TargetSummary], Mean]] = field(default_factory=dict)


def methods_of(recipe: Training, plugins: Plugins | None = None) -> Methods:
    """Look up what a recipe names.

    Args:
        recipe: The recipe.
        plugins: Where it is registered; None: what is installed.

    Raises:
        ConfigError: A name or an option is wrong.
    """
    plugins = plugins or Plugins(corpora=False)
    loss = plugins.losses.named(recipe.loss, "training.loss")
    optimizer = plugins.optimizers.named(recipe.optimizer, "training.optimizer")
    options = parse(optimizer.options, recipe.optimizer_options, f"optimizer.{optimizer.name}")

    def make(groups: Sequence[ParameterGroup], rate: float) -> torch.optim.Optimizer:
        return optimizer.build(options, torch_groups(groups, recipe, rate), rate)

    build = partial(loss.build, parse(loss.options, recipe.loss_options, f"loss.{loss.name}"))
    return Methods(build, make, _augmentations(recipe, plugins), _auxiliary(recipe, plugins))


def _auxiliary(recipe: Training, plugins: Plugins) -> dict[str, Callable[[TargetSummary], Mean]]:
    """Return what builds the losses that auxiliary targets may have, with their default options."""
    wanted = {*recipe.auxiliary_losses.values(), *USUAL_LOSSES.values()} if recipe.auxiliary else ()
    found = (plugins.losses.named(name, "training.auxiliary_losses") for name in wanted)
    return {loss.name: partial(loss.build, loss.options()) for loss in found}


def _augmentations(recipe: Training, plugins: Plugins) -> Augmentations:
    made: dict[str, list[tuple[str, Change]]] = {"waveform": [], "batch": [], "features": []}
    for name in recipe.augment:
        augmentation = plugins.augmentations.named(name, "training.augment")
        given = recipe.augmentation_options.get(name, {})
        options = parse(augmentation.options, given, f"augmentation.{name}")
        made[augmentation.on].append((name, augmentation.build(options, recipe.sampling_rate)))
    return Augmentations(**{on: tuple(changes) for on, changes in made.items()})
