"""Messages about a ``result.json`` that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError

_SHOWN = 60  # characters of a wrong value in a message


def first_mistake(error: ValidationError) -> str:
    """Put the first mistake into one line."""
    first = error.errors(include_url=False)[0]
    place = ".".join(repr(part)[:_SHOWN].strip("'") for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if first["type"] in ("missing", "value_error"):
        return f"{place}: {message}" if place else message
    return f"{place}: {message}; got {repr(first['input'])[:_SHOWN]}"


def other_version(raw: Mapping[str, Any]) -> str:
    """Name the version that has written a record, as the end of a message; empty where it is this one, or unknown.

    >>> other_version({"environment": {"emonet-bench": "9.8"}}).partition(", this is ")[0]
    '; emonet-bench 9.8 has written it and can read it'
    """
    environment = raw.get("environment")
    writer = environment.get("emonet-bench") if isinstance(environment, dict) else None
    own = version("emonet-bench")
    if not isinstance(writer, str) or writer == own:
        return ""
    return f"; emonet-bench {writer[:_SHOWN]} has written it and can read it, this is {own}"
