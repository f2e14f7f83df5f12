"""Plugin discovery: installed entry points, and single files."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from importlib.metadata import Distribution, EntryPoint, PackageMetadata, entry_points
from pathlib import Path
from typing import Any

from emonet_bench.errors import ConfigError, PluginError
from emonet_bench.plugins.code import code_version
from emonet_bench.plugins.registries import DuplicateNameError, Origin
from emonet_bench.plugins.validation import HOST, check_host, host_pins
from emonet_bench.validation_messages import did_you_mean

GROUP = "emonet_bench"
"""The group of entry points that plugins stand in."""

BUILT_IN = "builtins"
"""The plugin without which nothing can be trained: the variable ``EMONET_BENCH_PLUGINS`` need not name it."""

Found = tuple[Origin, Callable[[], object]]
"""A plugin's origin, and what imports it."""


def installed(names: Iterable[str] | None) -> list[Found]:
    """Find installed plugins, in the order of their names.

    Args:
        names: Exactly these; None: those in ``EMONET_BENCH_PLUGINS`` and what is built in, or every one.

    Raises:
        ConfigError: One of the names is not installed.
        DuplicateNameError: Two packages install one name.
    """
    found: list[Found] = []
    packages: dict[int, _Package] = {}
    for entry_point in _entry_points(names):
        distribution = entry_point.dist
        package = packages.setdefault(id(distribution), _Package(distribution)) if distribution else None
        found.append((_origin(entry_point, package), partial(_load, entry_point, package)))
    return found


def single_file(path: Path) -> Found:
    """Make a plugin of a Python file; a hash of its content is its version.

    Raises:
        ConfigError: It cannot be read or is no Python file.
    """
    if path.suffix != ".py":
        raise ConfigError(f"--plugin {path}: not a Python file; its name must end in .py")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"--plugin {path}: cannot be read ({error.strerror}); check the path") from error
    version = f"sha256:{hashlib.sha256(content).hexdigest()[:8]}"
    return Origin(path.stem, version, str(path)), partial(_import_file, path)


def _entry_points(names: Iterable[str] | None) -> list[EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry_point in entry_points(group=GROUP):
        other = found.setdefault(entry_point.name, entry_point)
        if other != entry_point:
            raise DuplicateNameError(
                f"plugin {entry_point.name!r} is installed twice: {_described(other)} and {_described(entry_point)}; "
                "uninstall one"
            )
    where, wanted = "plugins", names
    if wanted is None and "EMONET_BENCH_PLUGINS" in os.environ:
        where = "EMONET_BENCH_PLUGINS"
        named = [name.strip() for name in os.environ[where].split(",") if name.strip()]
        wanted = [*named, *([BUILT_IN] if BUILT_IN in found else [])]
    for name in wanted or ():
        if name not in found:
            raise ConfigError(f"{where}: no plugin {name!r} is installed{did_you_mean(name, found)}")
    return [found[name] for name in sorted(found if wanted is None else set(wanted))]


class _Package(Distribution):
    """A distribution that reads its metadata once: they hold its README, and each question would parse it again."""

    def __init__(self, found: Distribution) -> None:
        self._found = found

    def read_text(self, filename: str) -> str | None:
        return self._found.read_text(filename)

    def locate_file(self, path: str | os.PathLike[str]) -> Any:
        return self._found.locate_file(path)

    @cached_property
    def metadata(self) -> PackageMetadata:
        return self._found.metadata


def _load(entry_point: EntryPoint, package: Distribution | None) -> object:
    check_host(package)
    return entry_point.load()


def _described(entry_point: EntryPoint) -> str:
    return f"{entry_point.value} (from {entry_point.dist.name if entry_point.dist else 'an unknown package'})"


def _origin(entry_point: EntryPoint, package: Distribution | None) -> Origin:
    release = package.version if package else "unknown"
    try:
        needs = " ".join(f"{HOST}{specifier}" for specifier in host_pins(package))
    except PluginError:  # raised again where the plugin is loaded, so that it costs only itself
        needs = ""
    shipped = package is not None and package.name == HOST
    return Origin(entry_point.name, release, entry_point.value, partial(code_version, entry_point), needs, shipped)


def file_module(name: str) -> str:
    """Return what the module of a single file is called, by the plugin's name."""
    return f"{GROUP}_plugin_{name}"


def _import_file(path: Path) -> object:
    name = file_module(path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
