"""Documentation of options: what they must say of themselves, whatever they belong to."""

from __future__ import annotations

from collections import Counter
from typing import Any

from emonet_bench.config import Options
from emonet_bench.testing.contracts import BrokenError


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
