"""Registries of what plugins offer: sorted, and each thing with the plugin it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from emonet_bench.errors import ConfigError, PluginError
from emonet_bench.validation_messages import did_you_mean

Thing = TypeVar("Thing")


class DuplicateNameError(PluginError):
    """Two plugins claim the same name: fatal, since either choice would be silent."""


@dataclass
class Origin:
    """Where a plugin comes from, what it registers and, where it is broken, why.

    Attributes:
        name: Name of the entry point, or the file's stem.
        release: Version of its distribution; the hash of a single file's content.
        source: The entry point's value or the file's path.
        code: Tells the hash of its code where that is no unchanged release, else nothing; asked only where a version is
            wanted, for that takes reading its files.
        needs: Which versions of the host its distribution asks for; empty where it does not say.
        shipped: Whether it comes with the host.
        registers: What it registers, as ``kind name``.
        broken: The reason it does not work, on one line, or None.
    """

    name: str
    release: str
    source: str
    code: Callable[[], str] = str
    needs: str = ""
    shipped: bool = False
    registers: list[str] = field(default_factory=list)
    broken: str | None = None

    @cached_property
    def version(self) -> str:
        """The release and, where its code is another, the code's hash: ``0.1.0+sha256.1a2b3c4d``."""
        code = self.code()
        return f"{self.release}{'.' if '+' in self.release else '+'}{code}" if code else self.release

    def forget_version(self) -> None:
        """Look at the code anew when its version is asked for next: it may have been edited."""
        vars(self).pop("version", None)

    def __str__(self) -> str:
        return f"{self.name} ({self.source})"


class Registry(Mapping[str, Thing], Generic[Thing]):
    """Named things in sorted order, each with the plugin it comes from."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.left_out: Mapping[str, str] = {}  # why things that are there cannot be used, by name
        self._things: dict[str, tuple[Thing, Origin]] = {}

    def add(self, name: str, thing: Thing, origin: Origin) -> None:
        """Register a thing.

        Raises:
            DuplicateNameError: Another plugin has registered the name.
            PluginError: The same plugin has.
        """
        if name in self._things:
            other = self.origin(name)
            if other is origin:
                raise PluginError(f"{self.kind} {name!r} is registered twice; rename one")
            raise DuplicateNameError(
                f"{self.kind} {name!r} is registered by two plugins: {other} and {origin}; uninstall or rename one"
            )
        self._things[name] = (thing, origin)
        self._things = dict(sorted(self._things.items()))
        origin.registers.append(f"{self.kind} {name}")

    def replace(self, name: str, thing: Thing, origin: Origin) -> None:
        """Register a thing in place of whatever has its name."""
        self._things.pop(name, None)
        self.add(name, thing, origin)

    def discard(self, origin: Origin) -> None:
        """Take back whatever a plugin has registered."""
        self._things = {name: (thing, owner) for name, (thing, owner) in self._things.items() if owner is not origin}

    def origin(self, name: str) -> Origin:
        """Tell which plugin registered a name.

        Raises:
            ConfigError: None has.
        """
        return self._entry(name)[1]

    def named(self, name: str, where: str) -> Thing:
        """Return a thing by its name.

        Args:
            name: Its name.
            where: What names it, for the message, such as ``training.loss``.

        Raises:
            ConfigError: There is none of that name.
        """
        try:
            return self[name]
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None

    def __getitem__(self, name: str) -> Thing:
        return self._entry(name)[0]

    def _entry(self, name: str) -> tuple[Thing, Origin]:
        try:
            return self._things[name]
        except KeyError:
            if name in self.left_out:
                raise ConfigError(f"{self.kind} {name!r} is left out: {self.left_out[name]}") from None
            raise ConfigError(f"unknown {self.kind} {name!r}{did_you_mean(name, self._things)}") from None

    def get(self, key: str, /, default: Any = None) -> Any:
        """Return a thing or the default; ``Mapping.get`` would let the error of an unknown name through."""
        return self._things[key][0] if key in self._things else default

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)
