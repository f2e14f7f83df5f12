"""Optimisers and schedulers: a recipe's optimiser, and its learning rate in every stage and step."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError, Skipped
from emonet_bench.types import Network, ParameterGroup

_FACTOR = "rate"  # of a group, beside torch's own settings
_WARM_UP = 0.1  # part of a cosine schedule


@dataclass(frozen=True)
class Stage:
    """One stretch of training with an optimiser of its own.

    Attributes:
        rate: Its highest learning rate.
        last_epoch: The epoch that it may not pass, counted over all stages.
    """

    rate: float
    last_epoch: int


def stages(recipe: Training, corpora: int) -> list[Stage]:
    """Divide a training into stages.

    EmoNet's recipe has three, at lr, lr/10 and lr/100; its cap on epochs holds for all of them together on one corpus,
    and for each by itself on several.

    Raises:
        ConfigError: The schedule needs a patience and has none.
    """
    if recipe.schedule == "cosine":
        return [Stage(recipe.learning_rate, recipe.epochs)]
    if recipe.patience is None:
        raise ConfigError(
            "training.schedule: 'stages' needs training.patience, the epochs without a gain that end a stage"
        )
    caps = [recipe.epochs * (number if corpora > 1 else 1) for number in (1, 2, 3)]
    return [Stage(recipe.learning_rate / 10**number, cap) for number, cap in enumerate(caps)]


def rate_factor(recipe: Training, step: int, steps: int) -> float:
    """Return the part of a stage's learning rate that its ``step``-th of ``steps`` steps takes.

    >>> [round(rate_factor(Training(), step, 100), 2) for step in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    if recipe.schedule == "stages":
        return 1.0
    warm_up = max(1, round(steps * _WARM_UP))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, steps - warm_up))))


def layer_wise(groups: Sequence[ParameterGroup], network: Network, decay: float) -> Sequence[ParameterGroup]:
    """Lower the learning rate layer by layer (Howard and Ruder, 2018; as in Clark et al., 2020, "ELECTRA").

    With L layers the l-th from the input, counted from 1, learns at ``decay ** (L + 1 - l)`` of the rate that its group
    has, and the head, as all that is in no layer, at the rate itself.

    Raises:
        Skipped: The network does not tell its layers.
    """
    if decay == 1:
        return groups
    ordered = getattr(network, "ordered_layers", None)
    if ordered is None:
        raise Skipped(f"training.layer_decay: {type(network).__name__} does not tell its layers; leave it at 1")
    layers = [layer for layer in ordered() if any(True for _ in layer.parameters())]
    below = {parameter: len(layers) - number for number, layer in enumerate(layers) for parameter in layer.parameters()}
    divided = []
    for group in groups:
        parts = defaultdict(list)
        for parameter in group.parameters:
            parts[below.get(parameter, 0)].append(parameter)
        divided += [replace(group, parameters=part, rate=group.rate * decay**depth) for depth, part in parts.items()]
    return divided


def torch_groups(groups: Sequence[ParameterGroup], recipe: Training, rate: float) -> list[dict[str, Any]]:
    """Return parameter groups as torch's optimisers take them; ``set_rate`` sets their learning rates."""
    return [
        {
            "params": list(group.parameters),
            "lr": rate * group.rate,
            _FACTOR: group.rate,
            "weight_decay": recipe.weight_decay if group.weight_decay is None else group.weight_decay,
        }
        for group in groups
        if group.parameters
    ]


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate, of each group by its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group[_FACTOR]
