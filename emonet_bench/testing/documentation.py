"""Documentation of options: what they must say of themselves, whatever they belong to."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from pydantic.fields import FieldInfo

from emonet_bench.config import Options, Training
from emonet_bench.plugins.loading import Plugins
from emonet_bench.plugins.registries import Registry
from emonet_bench.testing.contracts import BrokenError

NAMES = frozenset(
    {"data_path", "experiment_base_path", "force", "initial_model", "mode", "multi_task_setup", "n_workers", "seed"}
    | {"strategy", "task", "tasks", "test_csv", "train_csv", "val_csv"}
)
"""Options that the commands of every architecture have themselves."""

FLAGS = frozenset({"-dp", "-ebp", "-h", "-im", "-m", "-mts", "-nw", "-t", "-te", "-tr", "-v"})
"""Their short flags."""


def hold_flags(model: type[Options], neighbours: Iterable[tuple[str, type[Options]]] = ()) -> None:
    """Hold options that become flags of a command to names and short flags that are free there.

    Args:
        model: The options.
        neighbours: Others whose options are flags of the same command, by what has them, see ``neighbours_of``.

    Raises:
        BrokenError: One is taken; the command would show it under a longer name, or without its short flag.
    """
    short = {_short(field): name for name, field in Training.model_fields.items()}
    for name, field in model.model_fields.items():
        if name in NAMES:
            raise BrokenError(f"{model.__name__}.{name} has the name of an option of every command; rename it")
        flag = _short(field)
        if flag and flag in FLAGS:
            raise BrokenError(f"{model.__name__}.{name}: {flag} is a flag of every command; choose another")
        if flag and flag in short and short[flag] != name:
            raise BrokenError(f"{model.__name__}.{name}: {flag} is the training's --{short[flag]}; choose another")

    own = {flag: (name, repr(field)) for name, field in model.model_fields.items() if (flag := _short(field))}
    for owner, other in neighbours:
        for name, field in other.model_fields.items():
            mine, meant = own.get(_short(field) or "", (name, repr(field)))
            if meant != repr(field):
                flag, long = _short(field), name.replace("_", "-")
                raise BrokenError(f"{model.__name__}.{mine}: {flag} is the --{long} of {owner}; choose another")


def neighbours_of(kind: Literal["architecture", "strategy"], name: str) -> list[tuple[str, type[Options]]]:
    """List what is installed and has flags on the command of an architecture, or on one that has a strategy.

    What comes with the host is held against what comes with the host alone: who comes later gives way.
    """
    with warnings.catch_warnings(action="ignore"):  # a broken neighbour is not at issue here
        plugins = Plugins(corpora=False)
    registry: Registry[Any] = plugins.architectures if kind == "architecture" else plugins.strategies
    shipped = name in registry and registry.origin(name).shipped
    others: tuple[Registry[Any], ...] = (plugins.strategies,)
    if kind == "strategy":
        others = (plugins.architectures, plugins.strategies)
    return [
        (owner, thing.options)
        for registry in others
        for owner, thing in registry.items()
        if owner != name and (registry.origin(owner).shipped or not shipped)
    ]


def _short(field: FieldInfo) -> str | None:
    extra = field.json_schema_extra
    return str(extra["short"]) if isinstance(extra, dict) and extra.get("short") else None


def hold_documented(model: type[Any]) -> None:
    """Hold an options model to descriptions and to short flags that differ.

    Raises:
        BrokenError: It is no ``Options``, a field has no description, or two fields share a flag.
    """
    if not issubclass(model, Options):
        raise BrokenError(f"{model.__name__} is not a subclass of emonet_bench.config.Options")
    bare = [name for name, field in model.model_fields.items() if not field.description]
    if bare:
        raise BrokenError(
            f"{model.__name__}.{bare[0]} has no description ({len(bare)} such fields); declare it with option()"
        )
    extras = [field.json_schema_extra for field in model.model_fields.values()]
    flags = Counter(extra["short"] for extra in extras if isinstance(extra, dict) and "short" in extra)
    if flags and max(flags.values()) > 1:
        raise BrokenError(f"{model.__name__} gives {flags.most_common(1)[0][0]} to two fields")
