"""Plugin validation: what is checked of a plugin before the host relies on it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution, version
from typing import TYPE_CHECKING, Any

from emonet_bench import hookspecs
from emonet_bench.config import Options
from emonet_bench.errors import PluginError

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

HOST = "emonet-bench"


def check_host(distribution: Distribution | None) -> None:
    """Hold the host to the version that a plugin's distribution asks for: it may have been installed past pip.

    Raises:
        PluginError: It asks for another one, or what it asks for cannot be read.
    """
    for specifier in host_pins(distribution):
        if not specifier.contains(version(HOST), prereleases=True):  # as pip does with what is installed
            wanted, here = f"{HOST}{specifier}", f"{HOST} {version(HOST)}"
            raise PluginError(f"needs {wanted}, this is {here}; upgrade one of the two")


def host_pins(distribution: Distribution | None) -> list[SpecifierSet]:
    """Return which versions of the host a plugin's distribution asks for; nothing for the host's own plugins.

    Raises:
        PluginError: One of its requirements cannot be read.
    """
    if distribution is None or distribution.name == HOST:
        return []
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - only for plugins of others
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    try:
        requirements = [Requirement(text) for text in distribution.requires or ()]
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise PluginError(f"a requirement of {distribution.name} cannot be read: {reason}; mend its metadata") from None
    return [
        requirement.specifier
        for requirement in requirements
        if canonicalize_name(requirement.name) == HOST
        and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]


def check_marked(plugin: object) -> None:
    """Catch what pluggy passes over in silence: a function that has a hook's name and not its mark.

    Raises:
        PluginError: There is one.
    """
    for name in dir(hookspecs):
        function = getattr(plugin, name, None) if name.startswith("emonet_") else None
        if callable(function) and not hasattr(function, "emonet_bench_impl"):
            raise PluginError(f"{name} is not marked with @emonet_bench.hookimpl, so it would never be called")


def checked(things: Any, kind: type[Any], hook: str) -> list[Any]:
    """Return what a registering hook has returned, as a list of descriptors.

    Raises:
        PluginError: It is something else.
    """
    expected = f"{hook} must return {kind.__name__} descriptors"
    if isinstance(things, str) or not isinstance(things, Iterable):
        raise PluginError(f"{expected} in a list; got {things!r}")
    descriptors: list[Any] = list(things)
    for thing in descriptors:
        if not isinstance(thing, kind):
            raise PluginError(f"{expected}; got {thing!r}")
        options = getattr(thing, "options", Options)
        if not (isinstance(options, type) and issubclass(options, Options)):
            raise PluginError(f"{hook}: options of {thing.name!r} must be a subclass of emonet_bench.config.Options")
    return descriptors


def check_answer(hook: str, answer: Any) -> None:
    """Hold the answer of a deciding hook to its kind.

    Raises:
        PluginError: It is something else.
    """
    if hook == "emonet_skip" and not isinstance(answer, str):
        raise PluginError(f"{hook} must return a reason or None; got {answer!r}")
    if hook == "emonet_executor" and not all(callable(getattr(answer, name, None)) for name in ("submit", "shutdown")):
        raise PluginError(f"{hook} must return an executor of concurrent.futures or None; got {answer!r}")
