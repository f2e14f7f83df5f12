"""Overrides: what a command line says instead of a matrix file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emonet_bench.errors import ConfigError

_AXES = {"corpora": "corpus", "architectures": "architecture", "strategies": "strategy", "seeds": "seed"}
_SHOWN = 60  # characters of a setting that a message shows


@dataclass(frozen=True)
class Overrides:
    """What is said instead of a matrix file; None and empty: what the file says.

    Attributes:
        corpora: Names of corpora; what the file says of each stays.
        architectures: Names of architectures.
        strategies: Names of strategies.
        seeds: Seeds.
        source: Where transfer starts.
        settings: Single values as ``key=value`` with a TOML value, such as ``training.epochs=5``.
        limit: Most clips of each partition.
        device: Kind of device; ``auto``: what the file says.
    """

    corpora: Sequence[str] | None = None
    architectures: Sequence[str] | None = None
    strategies: Sequence[str] | None = None
    seeds: Sequence[int] | None = None
    source: str | None = None
    settings: Sequence[str] = ()
    limit: int | None = None
    device: str = "auto"

    def applied(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a matrix file says with these in its place.

        Raises:
            ConfigError: A setting has no value, or sets something within a single value.
        """
        changed = dict(values)
        for axis, singular in _AXES.items():
            chosen = getattr(self, axis)
            if chosen is not None:
                present = changed.get(axis)
                if isinstance(present, Mapping):
                    changed[axis] = {name: present.get(name, {}) for name in chosen}
                else:
                    changed[axis] = list(chosen)
                if isinstance(changed.get("exclude"), list):  # what it leaves out on this axis no longer is
                    entries = changed["exclude"]
                    changed["exclude"] = [e for e in entries if not (isinstance(e, Mapping) and singular in e)]
        if self.source is not None:
            changed["source"] = self.source
        for setting in self.settings:
            set_value(changed, *read_setting(setting))
        if self.limit is not None:
            set_value(changed, "training.limit", self.limit)
        if self.device != "auto":
            set_value(changed, "training.device", self.device)
        return changed


def read_setting(setting: str, flag: str = "--set", example: str = "training.epochs=5") -> tuple[str, Any]:
    """Read ``key=value``: a TOML value or else a string. TOML has no null: ``none`` stands for it.

    Args:
        setting: What was typed.
        flag: After which flag, for the message.
        example: How to write it, for the message.

    Raises:
        ConfigError: It has no value, or one that is too long.
    """
    key, equals, text = (part.strip() for part in setting.partition("="))
    if not equals:
        raise ConfigError(f"{flag} {setting[:_SHOWN]}: write it as key=value, such as {example}")
    if text.lower() == "none":
        return key, None
    try:
        return key, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return key, text
    except (ValueError, RecursionError):
        raise ConfigError(f"{flag} {setting[:_SHOWN]}...: no such value can be read; it is too long") from None


def set_value(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a value by the names that lead to it, joined by dots.

    Raises:
        ConfigError: One of the names is that of a single value.
    """
    *path, last = key.split(".")
    inner = values
    for part in path:
        within = inner.get(part, {})
        if not isinstance(within, Mapping):
            raise ConfigError(f"{key[:_SHOWN]}: {part} is a single value or a list here, and has no {last!r} in it")
        inner[part] = dict(within)
        inner = inner[part]
    inner[last] = value
