"""Loading plugins, one at a time, so that a broken one costs only itself; registries that remember where things come from."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

import pluggy
from platformdirs import user_cache_path

from emonet_bench import hookspecs
from emonet_bench.config import did_you_mean
from emonet_bench.errors import ConfigError, PluginError
from emonet_bench.types import Architecture, Corpus, Strategy

GROUP = "emonet_bench"
Thing = TypeVar("Thing", Corpus, Architecture, Strategy)


@dataclass
class Origin:
    """Where a plugin comes from, what it registers and, where it is broken, why.

    Attributes:
        name: Name of the entry point, or the file's stem.
        version: Version of its distribution; ``file`` for a single file.
        source: The entry point's value or the file's path.
        registers: What it registers, as ``kind name``.
        broken: The reason it does not work, or None.
    """

    name: str
    version: str
    source: str
    registers: list[str] = field(default_factory=list)
    broken: str | None = None


class Registry(Mapping[str, Thing], Generic[Thing]):
    """Named things in sorted order, each with the plugin it comes from."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, tuple[Thing, Origin]] = {}

    def add(self, thing: Thing, origin: Origin) -> None:
        """Register a thing.

        Raises:
            PluginError: Another plugin has registered the name.
        """
        if thing.name in self._things:
            other = self.origin(thing.name)
            raise PluginError(
                f"{self.kind} {thing.name!r} is registered by two plugins: {other.name} ({other.source}) and "
                f"{origin.name} ({origin.source}); uninstall or rename one"
            )
        self._things[thing.name] = (thing, origin)
        self._things = dict(sorted(self._things.items()))
        origin.registers.append(f"{self.kind} {thing.name}")

    def origin(self, name: str) -> Origin:
        """Tell which plugin registered a name."""
        return self._things[name][1]

    def __getitem__(self, name: str) -> Thing:
        try:
            return self._things[name][0]
        except KeyError:
            raise ConfigError(f"unknown {self.kind} {name!r}{did_you_mean(name, self._things)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)


@dataclass(frozen=True)
class Selection:
    """Which plugins to load; picklable, so that workers repeat it.

    Attributes:
        names: Exactly these entry points; None: every installed one (or those in ``EMONET_BENCH_PLUGINS``).
        files: Single Python files.
        strict: Whether a broken plugin is fatal.
        corpora_dir: The directory that holds one folder for each corpus.
    """

    names: tuple[str, ...] | None = None
    files: tuple[Path, ...] = ()
    strict: bool = False
    corpora_dir: Path | None = None


class Plugins:
    """All loaded plugins and what they registered."""

    def __init__(self, selection: Selection = Selection()) -> None:  # noqa: B008 - frozen
        self.selection = selection
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.origins: list[Origin] = []
        self.corpora: Registry[Corpus] = Registry("corpus")
        self.architectures: Registry[Architecture] = Registry("architecture")
        self.strategies: Registry[Strategy] = Registry("strategy")
        for entry_point in _entry_points(selection.names):
            self._load(_origin(entry_point), entry_point.load)
        for path in selection.files:
            self._load(Origin(path.stem, "file", str(path)), lambda path=path: _import_file(path))

    def _load(self, origin: Origin, load: Callable[[], object]) -> None:
        self.origins.append(origin)
        with self._isolated(origin):
            self.manager.register(load(), name=origin.name)
            self.manager.check_pending()
            self._collect(origin)

    def _collect(self, origin: Origin) -> None:
        kinds = (
            ("emonet_corpora", Corpus, self.corpora, {"config": corpora_config(self.selection)}),
            ("emonet_architectures", Architecture, self.architectures, {}),
            ("emonet_strategies", Strategy, self.strategies, {}),
        )
        for hook, kind, registry, arguments in kinds:
            for things in self._only(origin, hook)(**arguments):
                for thing in _checked(things, kind, hook):
                    registry.add(thing, origin)  # type: ignore[arg-type]

    def _only(self, origin: Origin, hook: str) -> pluggy.HookCaller:
        """Call a hook of one plugin (and of the wrappers), so that a raising one costs only itself."""
        others = [plugin for name, plugin in self.manager.list_name_plugin() if name != origin.name]
        return self.manager.subset_hook_caller(hook, others)

    def _isolated(self, origin: Origin) -> _Isolation:
        return _Isolation(self, origin)

    def unload(self, origin: Origin) -> None:
        """Forget a plugin."""
        if self.manager.has_plugin(origin.name):
            self.manager.unregister(name=origin.name)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a lifecycle hook of every plugin; one that raises is warned about and goes on being called."""
        for origin in self.working:
            try:
                self._only(origin, hook)(**arguments)
            except Exception as error:  # noqa: BLE001 - any plugin may raise anything
                warnings.warn(f"plugin {origin.name}: {hook} raised {error!r}", RuntimeWarning, stacklevel=2)

    def ask(self, hook: str, **arguments: Any) -> Any:
        """Call a ``firstresult`` hook plugin by plugin until one answers.

        Raises:
            PluginError: A plugin raised; the message names it.
        """
        for origin in self.working:
            try:
                answer = self._only(origin, hook)(**arguments)
            except Exception as error:
                raise PluginError(f"plugin {origin.name}: {hook} raised {error!r}; mend or uninstall it") from error
            if answer is not None:
                return answer
        return None

    @property
    def working(self) -> Sequence[Origin]:
        """The plugins that are not broken."""
        return [origin for origin in self.origins if origin.broken is None]

    def versions(self) -> dict[str, str]:
        """Names and versions of the working plugins."""
        return {origin.name: origin.version for origin in self.working}


class _Isolation:
    """Marks a plugin as broken when its loading raises, takes back what it registered, and goes on."""

    def __init__(self, plugins: Plugins, origin: Origin) -> None:
        self.plugins, self.origin = plugins, origin

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or not isinstance(error, Exception | SystemExit):
            return False
        self.origin.broken = f"{type(error).__name__}: {error}"
        self.plugins.unload(self.origin)
        if self.plugins.selection.strict or isinstance(error, ConfigError | PluginError) and "two plugins" in str(error):
            raise PluginError(f"plugin {self.origin.name} ({self.origin.source}): {self.origin.broken}") from error
        warnings.warn(f"plugin {self.origin.name} is left out: {self.origin.broken}", RuntimeWarning, stacklevel=4)
        return True


def corpora_config(selection: Selection) -> hookspecs.CorporaConfig:
    """Tell corpora plugins where to look: ``--corpora-dir``, else ``EMONET_BENCH_CORPORA_DIR``; and the user's cache."""
    named = selection.corpora_dir or os.environ.get("EMONET_BENCH_CORPORA_DIR")
    return hookspecs.CorporaConfig(Path(named).expanduser() if named else None, cache_directory())


def cache_directory() -> Path:
    """Return ``EMONET_BENCH_CACHE_DIR`` or the user's cache directory."""
    named = os.environ.get("EMONET_BENCH_CACHE_DIR")
    return Path(named).expanduser() if named else user_cache_path("emonet-bench")


def _entry_points(names: Iterable[str] | None) -> list[EntryPoint]:
    found = {entry_point.name: entry_point for entry_point in entry_points(group=GROUP)}
    wanted = names
    if wanted is None and "EMONET_BENCH_PLUGINS" in os.environ:
        wanted = [name.strip() for name in os.environ["EMONET_BENCH_PLUGINS"].split(",") if name.strip()]
    if wanted is None:
        return [found[name] for name in sorted(found)]
    for name in wanted:
        if name not in found:
            raise ConfigError(f"EMONET_BENCH_PLUGINS: no plugin {name!r} is installed{did_you_mean(name, found)}")
    return [found[name] for name in sorted(wanted)]


def _origin(entry_point: EntryPoint) -> Origin:
    version = entry_point.dist.version if entry_point.dist else "unknown"
    return Origin(entry_point.name, version, entry_point.value)


def _import_file(path: Path) -> object:
    if not path.is_file():
        raise ConfigError(f"--plugin {path}: no such file")
    name = f"emonet_bench_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"--plugin {path}: not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _checked(things: Any, kind: type, hook: str) -> list[Any]:
    things = list(things)
    for thing in things:
        if not isinstance(thing, kind):
            raise PluginError(f"{hook} must return {kind.__name__} descriptors; got {thing!r}")
    return things
