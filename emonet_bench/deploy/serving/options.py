"""Options of a request: checked texts from a form, a query or the first message of a stream."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from emonet_bench.deploy.serving.errors import RequestError


@dataclass(frozen=True)
class Options:
    """What a client may choose.

    Attributes:
        model: Name of the model; None: the only one, or the first.
        task: Which of a bank's tasks.
        window: Seconds of the stretches that are scored; None: the audio as a whole.
        hop: Seconds from one stretch to the next; None: the window.
        top_k: How many labels are told, the most probable first; None: all.
    """

    model: str | None = None
    task: str | None = None
    window: float | None = None
    hop: float | None = None
    top_k: int | None = None


_KNOWN = tuple(field.name for field in fields(Options))


def parse_options(given: Mapping[str, Any]) -> Options:
    """Read options; empty texts count as left out.

    Raises:
        RequestError: One is unknown, or makes no sense.

    >>> parse_options({"window": "1.5", "top_k": "", "model": "m"})
    Options(model='m', task=None, window=1.5, hop=None, top_k=None)
    """
    for name in given:
        if name not in _KNOWN:
            raise RequestError(400, f"{name[:40]!r}: no such option; there are {', '.join(_KNOWN)}")
    values = {name: value for name, value in given.items() if value not in (None, "")}
    for name, value in values.items():
        if name in {"window", "hop"}:
            values[name] = _number(name, value)
        elif name == "top_k":
            values[name] = _count(value)
        elif not isinstance(value, str):
            raise RequestError(400, f"{name}: must be a text, is {str(value)[:40]!r}")
    return Options(**values)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 < number < math.inf:
        raise RequestError(400, f"{name}: must be seconds, more than 0, is {str(value)[:40]!r}")
    return number


def _count(value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and int(text)):  # noqa: PLR2004 - digits enough
        raise RequestError(400, f"top_k: must be a whole number from 1, is {text[:40]!r}")
    return int(text)
