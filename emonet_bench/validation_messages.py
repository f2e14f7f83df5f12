"""Validation messages: what pydantic says of a value that a user gave, in one line that names the option."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

_LONGEST = 200  # characters of a value in a message
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WANTED = "Input should be "  # how pydantic begins to say what it would take


def in_one_line(error: ValidationError, model: type[BaseModel], values: Mapping[str, Any], where: str) -> str:
    """Tell the first fault that was found.

    Args:
        error: Of validating the values.
        model: What they were validated against.
        values: What the user gave.
        where: The file or flag that the values come from.
    """
    # Of a union every branch complains; the one that got furthest into the value is the one that was meant.
    errors = error.errors()
    first = max(errors, key=lambda one: (one["type"] == "extra_forbidden", len(_path(one, values))))
    path = _path(first, values)
    place = ".".join([where, *map(str, path)])
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown option{did_you_mean(path[-1], _fields_at(model, path))}"
    if first["type"] == "value_error":
        return f"{place}: {first['ctx']['error']}"
    got = "give it a value" if first["type"] == "missing" else f"got {_short(first['input'])}"
    branches = [one["msg"] for one in errors if _path(one, values) == path]
    wanted = (_wanted(branches) or first["msg"].lower()).replace("a valid tuple", "a valid list")  # TOML has lists
    return f"{place}: {wanted}; {got}{_as_list(first['input']) if 'a valid list' in wanted else ''}"


def _as_list(value: object) -> str:
    """Say how words or numbers that commas part would be written as a list; of anything else nothing.

    >>> _as_list("0,1"), _as_list("cnn, rnn"), _as_list(3)
    ('; write [0, 1]', '; write ["cnn", "rnn"]', '')
    """
    if not isinstance(value, str) or not value or len(value) > _LONGEST:
        return ""
    parts = [part.strip() for part in value.split(",")]
    listed = ", ".join(part if _NUMBER.fullmatch(part) else json.dumps(part, ensure_ascii=False) for part in parts)
    return f"; write [{listed}]"


def _wanted(messages: Sequence[str]) -> str | None:
    """Say what any of several branches would take; None: there is one, or one that says something else."""
    if len(messages) == 1 or not all(message.startswith(_WANTED) for message in messages):
        return None
    kinds = (message.removeprefix(_WANTED) for message in messages)
    short = dict.fromkeys(kind.split(",")[0] if kind.startswith("a valid ") else kind for kind in kinds)
    return f"{_WANTED}{' or '.join(short)}".lower()


def _path(error: Mapping[str, Any], values: Mapping[str, Any]) -> list[str | int]:
    """Return where in the values an error lies: its location without the names of a union's branches."""
    here: Any = values
    path: list[str | int] = []
    part: Any
    for part in error["loc"]:
        known: Collection[Any] = range(len(here)) if isinstance(here, list) else here
        if isinstance(here, list | Mapping) and part in known:
            here = here[part]
            path.append(part)
    return [*path, error["loc"][-1]] if error["type"] == "missing" else path


def _fields_at(model: type[BaseModel], path: Sequence[str | int]) -> set[str]:
    """Name the options that are known where a path leads."""
    models = [model]
    for part in path[:-1]:
        fields = [one.model_fields[part] for one in models if part in one.model_fields]
        models = [inner for field in fields for inner in _models_in(field.annotation)] or models
    return {name for one in models for name in one.model_fields}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _short(value: object) -> str:
    """Show a value as it was given, but of a long one only the beginning."""
    try:
        text = repr(value)
    except ValueError:  # a number of thousands of digits
        return "a number that is too long"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """End an "unknown name" message: with the nearest known name, or with all of them.

    >>> did_you_mean("adapter", ["scratch", "adapters"])
    "; did you mean 'adapters'?"
    >>> did_you_mean("x", ["scratch", "adapters"])
    '; known: adapters, scratch'
    """
    known = sorted(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known) or 'none'}"
