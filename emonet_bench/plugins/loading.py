"""Plugin loading, one at a time, so that a broken one costs only itself."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from emonet_bench import hookspecs
from emonet_bench.directories import cache_directory, registered
from emonet_bench.errors import ConfigError, EmonetBenchError, PluginError
from emonet_bench.files import expanded
from emonet_bench.plugins.discovery import GROUP, installed, single_file
from emonet_bench.plugins.guarded import guarded
from emonet_bench.plugins.registries import DuplicateNameError, Origin, Registry
from emonet_bench.plugins.validation import check_answer, check_marked, checked
from emonet_bench.types import (
    Architecture,
    Augmentation,
    Corpus,
    ExecutorKind,
    Loss,
    Metric,
    Optimizer,
    ReportFormat,
    Strategy,
)
from emonet_bench.validation_messages import did_you_mean

if TYPE_CHECKING:
    import click

PATIENCE = 10.0
"""Seconds that a plugin may take to load without a warning."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selection:
    """Which plugins to load; picklable, so that workers repeat it.

    Attributes:
        names: Exactly these entry points, ``builtins`` with its losses and optimisers among them where something is
            trained; None: every installed one (or those in ``EMONET_BENCH_PLUGINS``, and ``builtins``).
        files: Single Python files.
        strict: Whether a broken plugin is fatal.
        corpora_dir: The directory that holds one folder for each corpus.
        places: Where single corpora lie.
    """

    names: tuple[str, ...] | None = None
    files: tuple[Path, ...] = ()
    strict: bool = False
    corpora_dir: Path | None = None
    places: Mapping[str, Path] = field(default_factory=dict)


class Plugins:
    """All loaded plugins and what they registered.

    Args:
        selection: Which to load.
        corpora: Whether to ask them for corpora; a listing of commands does without, and is quicker.

    Raises:
        PluginError: Two plugins claim the same name, or one is broken and the selection is strict.
        ConfigError: A plugin was asked for by a name or file that does not exist.
    """

    def __init__(self, selection: Selection = Selection(), *, corpora: bool = True) -> None:
        self.selection = selection
        self.manager = pluggy.PluginManager(GROUP)
        self.manager.add_hookspecs(hookspecs)
        self.origins: list[Origin] = []
        self.corpora: Registry[Corpus] = Registry("corpus")
        self.architectures: Registry[Architecture] = Registry("architecture")
        self.strategies: Registry[Strategy] = Registry("strategy")
        self.losses: Registry[Loss] = Registry("loss")
        self.metrics: Registry[Metric] = Registry("metric")
        self.optimizers: Registry[Optimizer] = Registry("optimizer")
        self.augmentations: Registry[Augmentation] = Registry("augmentation")
        self.report_formats: Registry[ReportFormat] = Registry("report-format")
        self.executors: Registry[ExecutorKind] = Registry("executor")
        self.commands: Registry[click.Command] = Registry("command")
        self.user_corpora: tuple[Corpus, ...] = ()
        config = corpora_config(selection) if corpora else None  # a damaged file is no plugin's fault
        for origin, load in [*installed(selection.names), *map(single_file, dict.fromkeys(selection.files))]:
            self._load(origin, load, config)
        if config is not None:
            self._add_places(config)
            self.corpora.left_out = config.left_out

    @property
    def registries(self) -> tuple[Registry[Any], ...]:
        """All registries, one for each kind of thing."""
        return tuple(value for value in vars(self).values() if isinstance(value, Registry))

    def _add_places(self, config: hookspecs.CorporaConfig) -> None:
        """Register the corpora of the user's own places, each by the card or the tables that lie there."""
        from emonet_bench.data.cards import corpus_at  # noqa: PLC0415 - a listing of commands reads no card

        for name, path in config.places.items():
            if name in self.corpora:
                continue  # its plugin has looked there
            try:
                self.add_corpora([corpus_at(name, path)])
            except EmonetBenchError as error:
                if name in self.selection.places:
                    raise
                config.left_out[name] = str(error)
                warnings.warn(f"corpus {name} is left out: {error}", RuntimeWarning, stacklevel=3)

    def _load(self, origin: Origin, load: Callable[[], object], config: hookspecs.CorporaConfig | None) -> None:
        self.origins.append(origin)
        started = time.monotonic()
        with self._isolated(origin):
            plugin = load()
            check_marked(plugin)
            self.manager.register(plugin, name=origin.name)
            self._check_hooks(plugin)
            self._collect(origin, config)
        if (seconds := time.monotonic() - started) > PATIENCE and not origin.shipped:  # else the machine is slow
            self.complain(f"plugin {origin} took {seconds:.1f} s to load; it should import and look less")

    def _check_hooks(self, plugin: object) -> None:
        known = [name for name in vars(hookspecs) if name.startswith("emonet_")]
        for caller in self.manager.get_hookcallers(plugin) or ():
            own = [hook for hook in caller.get_hookimpls() if hook.plugin is plugin]
            if not caller.has_spec():
                if all(hook.optionalhook for hook in own):
                    continue  # meant for a host that has it
                raise PluginError(f"unknown hook {caller.name!r}{did_you_mean(caller.name, known)}")
            if any(hook.wrapper or hook.hookwrapper for hook in own):
                raise PluginError(f"{caller.name} is a wrapper; hooks are called plugin by plugin")
        self.manager.check_pending()

    def _collect(self, origin: Origin, config: hookspecs.CorporaConfig | None) -> None:
        kinds: tuple[tuple[str, type, Registry[Any], dict[str, Any]], ...] = (
            ("emonet_corpora", Corpus, self.corpora, {"config": config}),
            ("emonet_architectures", Architecture, self.architectures, {}),
            ("emonet_strategies", Strategy, self.strategies, {}),
            ("emonet_losses", Loss, self.losses, {}),
            ("emonet_metrics", Metric, self.metrics, {}),
            ("emonet_optimizers", Optimizer, self.optimizers, {}),
            ("emonet_augmentations", Augmentation, self.augmentations, {}),
            ("emonet_report_formats", ReportFormat, self.report_formats, {}),
            ("emonet_executors", ExecutorKind, self.executors, {}),
        )
        for hook, kind, registry, arguments in kinds if config is not None else kinds[1:]:
            for things in self.hook_of(origin, hook)(**arguments):
                for thing in checked(things, kind, hook):
                    registry.add(thing.name, guarded(thing, registry.kind, origin), origin)

    def add_commands(self, group: Callable[[], click.Group], reserved: Collection[str]) -> None:
        """Let every plugin add its commands to a group of its own, and register them.

        Args:
            group: Makes the empty group.
            reserved: Names of the host's own commands.

        Raises:
            DuplicateNameError: Two plugins add the same command, or one the name of another's architecture.
        """
        for origin in self.working:
            with self._isolated(origin):
                own = group()
                self.hook_of(origin, "emonet_commands")(cli=own)
                for name, command in own.commands.items():
                    self.commands.add(name, command, origin)
                for registry in (self.commands, self.architectures):
                    for name in registry:
                        if name in reserved and registry.origin(name) is origin:
                            raise PluginError(f"{registry.kind} {name!r} has the name of a command; rename it")
        for name in self.commands:
            if name in self.architectures:
                owner, other = self.architectures.origin(name), self.commands.origin(name)
                raise DuplicateNameError(f"architecture {name!r} of {owner} has the name of a command of {other}")

    def add_corpora(self, corpora: Iterable[Corpus]) -> None:
        """Register corpora that the user describes; each goes before a plugin's of the same name."""
        origin = Origin("described", "", "described by the user")
        for corpus in corpora:
            self.corpora.replace(corpus.name, corpus, origin)
            self.user_corpora += (corpus,)

    def hook_of(self, origin: Origin, hook: str) -> pluggy.HookCaller:
        """Return a hook of one plugin, so that a raising one costs only itself (pluggy aborts the whole call)."""
        others = [plugin for name, plugin in self.manager.list_name_plugin() if name != origin.name]
        return self.manager.subset_hook_caller(hook, others)

    @contextmanager
    def _isolated(self, origin: Origin) -> Iterator[None]:
        """Mark a plugin as broken when its code raises, take back what it registered, and go on."""
        try:
            with redirect_stdout(sys.stderr):  # what a plugin prints must not end up in a report
                yield
        except DuplicateNameError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - any plugin may raise anything
            self._leave_out(origin, error)

    def _leave_out(self, origin: Origin, error: BaseException) -> None:
        kind = "" if isinstance(error, PluginError | ConfigError) else f"{type(error).__name__}: "
        origin.broken = " ".join(f"{kind}{error}".split())
        origin.registers.clear()
        for registry in self.registries:
            registry.discard(origin)
        namesakes = [one for one in self.origins if one is not origin and one.name == origin.name and not one.broken]
        if self.manager.has_plugin(origin.name) and not namesakes:  # what is registered may be a namesake's
            self.manager.unregister(name=origin.name)
        _log.debug("plugin %s", origin, exc_info=error)
        if self.selection.strict:
            raise PluginError(f"plugin {origin} is broken: {origin.broken}") from error
        warnings.warn(f"plugin {origin} is left out: {origin.broken}", RuntimeWarning, stacklevel=5)

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a lifecycle hook of every plugin, each with a copy of its own; one that raises is warned about.

        Raises:
            PluginError: One raised and the selection is strict.
        """
        for origin in self.working if getattr(self.manager.hook, hook).get_hookimpls() else ():
            try:
                with redirect_stdout(sys.stderr):
                    self.hook_of(origin, hook)(**deepcopy(arguments))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - any plugin may raise anything
                told = str(error) if isinstance(error, EmonetBenchError) else f"{hook} raised {error!r}"
                self.complain(f"plugin {origin}: {told}")

    def complain(self, message: str) -> None:
        """Warn of what a plugin did; where the selection is strict, stop.

        Raises:
            PluginError: The selection is strict.
        """
        if self.selection.strict:
            raise PluginError(message)
        warnings.warn(message, RuntimeWarning, stacklevel=3)

    def ask(self, hook: str, **arguments: Any) -> Any:
        """Call a ``firstresult`` hook plugin by plugin until one answers.

        Raises:
            PluginError: A plugin raised or answered with something else than it should; the message names it.
        """
        if not getattr(self.manager.hook, hook).get_hookimpls():  # asked of ten thousand cells, answered by none
            return None
        for origin in self.working:
            try:
                with redirect_stdout(sys.stderr):
                    answer = self.hook_of(origin, hook)(**arguments)
            except EmonetBenchError:  # it knows whose mistake it is
                raise
            except (Exception, SystemExit) as error:
                raise PluginError(f"plugin {origin}: {hook} raised {error!r}; mend or uninstall it") from error
            if answer is not None:
                try:
                    check_answer(hook, answer)
                except PluginError as error:
                    raise PluginError(f"plugin {origin}: {error}; mend or uninstall it") from None
                return answer
        return None

    @property
    def working(self) -> Sequence[Origin]:
        """The plugins that are not broken."""
        return [origin for origin in self.origins if origin.broken is None]

    def versions(self) -> dict[str, str]:
        """Names and versions of the working plugins."""
        return {origin.name: origin.version for origin in self.working}


def corpora_config(selection: Selection) -> hookspecs.CorporaConfig:
    """Tell corpora plugins where to look: ``--corpora-dir``, else ``EMONET_BENCH_CORPORA_DIR``; and the cache.

    What the selection says of a single corpus goes first, then a folder of that directory, then ``corpora add``.

    Raises:
        ConfigError: The directory cannot be looked at, or what ``corpora add`` has written is damaged.
    """
    named = selection.corpora_dir or os.environ.get("EMONET_BENCH_CORPORA_DIR")
    directory = expanded(Path(named), "--corpora-dir") if named else None
    try:
        _ = directory is not None and directory.exists()  # a missing one is told where a corpus is looked for
    except OSError as error:
        raise ConfigError(f"--corpora-dir {directory}: cannot be looked at ({error.strerror}); name another") from error
    added = {name: path for name, path in registered().items() if not (directory and (directory / name).is_dir())}
    return hookspecs.CorporaConfig(directory, cache_directory(), {**added, **selection.places})
