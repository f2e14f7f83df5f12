"""Command-line options made of pydantic fields: one declaration, one flag."""

from __future__ import annotations

import itertools
import math
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import rich_click as click
from click.core import ParameterSource
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.planning.overrides import read_setting, set_value

Flag = click.RichOption


class Value(click.ParamType):  # type: ignore[type-arg]
    """One value, held to what its field allows by pydantic; ``none`` stands for None where that is allowed.

    Args:
        annotation: The field's type, with its constraints.
        optional: Whether it may be none.
    """

    def __init__(self, annotation: Any, *, optional: bool = False) -> None:
        self.adapter, self.optional = TypeAdapter(annotation), optional
        self.name = _NAMES.get(_bare(annotation), "text")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check a value; a wrong one ends the command line with pydantic's reason."""
        if self.optional and value == "none":
            return None
        try:
            return self.adapter.validate_python(value)
        except ValidationError as error:
            return self.fail(f"{error.errors()[0]['msg'].lower()}; got {value!r}", param, ctx)


class Settings(click.ParamType):  # type: ignore[type-arg]
    """``key=value``, where a table is wanted; dots lead into tables within it."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Read one setting."""
        try:
            return read_setting(value, param.opts[-1] if param else "", "gamma=3")
        except ConfigError as error:
            return self.fail(str(error), param, ctx)


def _table(_: click.Context, __: click.Parameter, settings: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make one table of all settings."""
    table: dict[str, Any] = {}
    for key, value in settings:
        set_value(table, key, value)
    return table


class Tolerance(click.FloatRange):
    """A largest difference that still counts as none: from 0 to 1. A range alone would let ``nan`` pass."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Check a value."""
        number = float(super().convert(value, param, ctx))
        return self.fail(f"{value!r} is no number", param, ctx) if math.isnan(number) else number


_NAMES = {int: "integer", float: "number"}


@dataclass(frozen=True)
class Owned:
    """An options model with the name of what has the options.

    Attributes:
        owner: An architecture, a strategy, or ``training``.
        model: The model.
        shipped: Whether the owner comes with the host: its flags stay as they are, whatever is installed.
    """

    owner: str
    model: type[Options]
    shipped: bool = True


class OwnedFlag(Flag):
    """A flag with what it sets: pairs of an owner and a field."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.sets: list[tuple[str, str]] = []


def flags(
    panels: Mapping[str, Sequence[Owned]],
    own: Sequence[click.Parameter],
    defaults: Mapping[str, Any],
    shown: Mapping[str, str],
    choices: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[OwnedFlag]:
    """Make an option of every field of some models; a field that several of them have alike makes one.

    A field with the name of another one is ``--OWNER.FIELD``: where that is the command's own, or of a model before it,
    or where two plugins that do not come with the host have it.

    Args:
        panels: Models, under the title that their options have in the help.
        own: The command's other options: their names are taken, and so are their short flags.
        defaults: Defaults of this command where they differ from the model's.
        shown: What the help says in place of a default.
        choices: Names that an option chooses from, where its model leaves them open.
    """
    taken = {flag for parameter in own for flag in parameter.opts}
    holders = _holders(panels, {str(parameter.name) for parameter in own})
    made: dict[str, OwnedFlag] = {}
    for panel, models in panels.items():
        every = [(owned, *each) for owned in models for each in owned.model.model_fields.items()]
        for owned, name, field in every:
            plain = holders.get(name) == repr(field)
            key = name if plain else f"{owned.owner}.{name}"
            if key not in made:
                default = defaults.get(name, field.get_default()) if plain else field.get_default()
                made[key] = _flag(key, field, panel, taken, default, shown.get(name) if plain else None)
                if plain and name in choices:
                    made[key].type = click.Choice(choices[name])
                taken.update(made[key].opts)
            made[key].sets.append((owned.owner, name))
    yield from made.values()


def _holders(panels: Mapping[str, Sequence[Owned]], reserved: set[str]) -> dict[str, str]:
    """Say which definition of each field has the flag without an owner's name; nothing: none has."""
    held: dict[str, str] = {}
    others: dict[str, set[str]] = {}
    for owned in itertools.chain.from_iterable(panels.values()):
        for name, field in owned.model.model_fields.items():
            if name in reserved:
                continue
            if owned.shipped:
                held.setdefault(name, repr(field))
            else:
                others.setdefault(name, set()).add(repr(field))
    return {**{name: kinds.pop() for name, kinds in others.items() if len(kinds) == 1}, **held}


def _flag(key: str, field: FieldInfo, panel: str, taken: set[str], default: Any, shown: str | None) -> OwnedFlag:
    long, name = f"--{key.replace('_', '-')}", re.sub(r"\W", "_", f"of.{key}" if "." in key else key)
    settings: dict[str, Any] = {"help": field.description, "panel": panel, "required": field.is_required()}
    if not field.is_required():
        settings |= {"default": default, "show_default": shown or True}
    if field.annotation is bool:
        declared = f"{long}/--no-{long.removeprefix('--')}" if default else long
        settings["is_flag"] = True
    else:
        declared = long
        settings |= _typed(field)
    short = field.json_schema_extra.get("short") if isinstance(field.json_schema_extra, Mapping) else None
    return OwnedFlag([name, *([short] if short and short not in taken else []), declared], **settings)


def _typed(field: FieldInfo) -> dict[str, Any]:
    """Choose click's type and count for a field: a choice, several values after one flag, repeated, or one value."""
    annotation, optional = _without_none(field.annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal and not optional and all(isinstance(word, str) for word in arguments):
        return {"type": click.Choice(arguments)}
    if origin is tuple and Ellipsis not in arguments:
        return {"type": tuple(map(Value, arguments)), "nargs": len(arguments)}
    if origin is dict:
        return {"type": Settings(), "multiple": True, "default": (), "show_default": False, "callback": _table}
    if origin in (list, tuple):
        return {"type": Value(arguments[0]), "multiple": True}
    constrained: Any = Annotated[field.annotation, field]
    return {"type": Value(constrained, optional=optional)}


def _without_none(annotation: Any) -> tuple[Any, bool]:
    kinds = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    others = [kind for kind in kinds if kind is not type(None)]
    return (others[0], True) if len(others) == 1 and len(kinds) > 1 else (annotation, False)


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return _without_none(annotation)[0]


def given_to(context: click.Context) -> dict[str, dict[str, Any]]:
    """Return the values that the user has typed for each owner's options."""
    typed = given(context)
    found: dict[str, dict[str, Any]] = {}
    for parameter in context.command.params:
        for owner, field in parameter.sets if isinstance(parameter, OwnedFlag) and parameter.name in typed else ():
            found.setdefault(owner, {})[field] = typed[str(parameter.name)]
    return found


def given(context: click.Context) -> dict[str, Any]:
    """Return the values that the user has typed, without defaults."""
    return {
        name: value
        for name, value in context.params.items()
        if context.get_parameter_source(name) != ParameterSource.DEFAULT
    }
