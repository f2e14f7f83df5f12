"""Blame: which plugin the failure of a cell comes from, and the command that finds the contract it breaks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from emonet_bench.errors import EmonetBenchError, PluginError
from emonet_bench.plugins.guarded import place
from emonet_bench.plugins.loading import Plugins
from emonet_bench.plugins.registries import Origin
from emonet_bench.runs.spec import RunSpec


def blame(error: BaseException, spec: RunSpec, plugins: Plugins) -> str:
    """Say which plugin a failure comes from.

    Args:
        error: What was raised.
        spec: The cell.
        plugins: The plugins.

    Returns:
        A clause in brackets that names the one whose code raised it, else all that the cell uses; nothing where the
        message says it all, or the cell uses what comes with the host alone.
    """
    if isinstance(error, EmonetBenchError) and not isinstance(error, PluginError):
        return ""
    used = dict(_used(spec, plugins))
    raised = {name: at for name, origin in used.items() if (at := place(error, origin))}
    told = [f"raised at {at}, try {_check(name, used[name])}" for name, at in raised.items()]
    told = told[:1] or [f"try {_check(name, origin)}" for name, origin in used.items()]
    return f" ({', '.join(told)})" if told else ""


def _check(name: str, origin: Origin) -> str:
    """Return the command that holds something of a plugin to its contracts, in quotation marks."""
    file = f" --plugin {shlex.quote(origin.source)}" if origin.source.endswith(".py") else ""
    return f"'emonet-bench{file} plugins check {name}'"


def _used(spec: RunSpec, plugins: Plugins) -> Iterator[tuple[str, Origin]]:
    """Yield what a cell uses of plugins that do not come with the host."""
    recipe = spec.training
    wanted = (
        (plugins.architectures, [spec.architecture]),
        (plugins.strategies, [spec.strategy]),
        (plugins.losses, [recipe.loss, *recipe.auxiliary_losses.values()]),
        (plugins.optimizers, [recipe.optimizer]),
        (plugins.augmentations, recipe.augment),
    )
    for registry, names in wanted:
        for name in names:
            if name in registry and not (origin := registry.origin(name)).shipped:
                yield name, origin
