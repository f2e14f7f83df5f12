"""The shell, the group behind ``emonet-bench``: commands are imported when they are invoked, a mistake is one line."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import rich_click as click

from emonet_bench.console.program import run
from emonet_bench.errors import EmonetBenchError

if TYPE_CHECKING:
    from emonet_bench.plugins.loading import Plugins, Selection

ARCHITECTURES = "Architectures, on tables of audio files"
ADDED = "From plugins"
"""Panels of the help: the commands of architectures, and other commands of plugins."""

_LOADED = f"{__name__}.plugins"


class Shell(click.RichGroup):
    """A group that lists its commands without importing them, and adds those of plugins.

    Attributes:
        lazy: For each command, the module that holds it (as an attribute of the command's name) and its short help.
    """

    def __init__(self, *arguments: Any, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the host's commands in their order, then those of plugins; broken plugins are no reason for no help."""
        try:
            added = [*self.plugins(ctx).architectures, *self.plugins(ctx).commands]
        except EmonetBenchError as error:
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
            return list(self.lazy)
        return [*self.lazy, *added]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command to describe; the host's own are not imported for that."""
        if cmd_name in self.lazy:
            return click.RichCommand(name=cmd_name, help=self.lazy[cmd_name][1])
        if cmd_name in self.plugins(ctx).architectures:
            return click.RichCommand(name=cmd_name, help=f"Train and evaluate {cmd_name}.", panel=ARCHITECTURES)
        found: click.Command | None = self.plugins(ctx).commands.get(cmd_name)
        if found is not None and getattr(found, "panel", None) is None:
            found.panel = ADDED  # type: ignore[attr-defined]
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command to run.

        Raises:
            click.UsageError: There is none of that name.
        """
        name, *rest = args
        command = self._imported(ctx, name) or self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            from emonet_bench.validation_messages import did_you_mean  # noqa: PLC0415 - pydantic is slow to import

            raise click.UsageError(f"unknown command {name!r}{did_you_mean(name, self.list_commands(ctx))}", ctx)
        return name, command, rest

    def _imported(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command of the host, or make those of an architecture."""
        if name in self.lazy:
            return _rich(getattr(import_module(self.lazy[name][0]), name.replace("-", "_")))
        plugins = self.plugins(ctx)
        if name not in plugins.architectures:
            return None
        from emonet_bench.cli import task  # noqa: PLC0415 - pydantic is slow to import

        with warnings.catch_warnings(action="ignore"):  # the first loading has told what is broken
            plugins = self.load(selection(ctx))
        return task.group(plugins.architectures[name], plugins)

    def plugins(self, ctx: click.Context) -> Plugins:
        """Load the plugins that the options before the command select, once, without their corpora."""
        if _LOADED not in ctx.meta:
            ctx.meta[_LOADED] = self.load(selection(ctx), corpora=False)
        loaded: Plugins = ctx.meta[_LOADED]
        return loaded

    def load(self, selected: Selection, *, corpora: bool = True) -> Plugins:
        """Load plugins with their commands, and with their corpora or without.

        Raises:
            PluginError: Two claim one name, or one is broken and the selection is strict.
        """
        from emonet_bench.plugins.loading import Plugins  # noqa: PLC0415 - pydantic is slow to import

        plugins = Plugins(selected, corpora=corpora)
        plugins.add_commands(partial(click.RichGroup, name="emonet-bench"), self.lazy)
        return plugins

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is no exit status, ``ctx.exit`` gives one."""
        super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, *_: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command line; a mistake becomes one line on stderr and an exit status."""
        return run(super().main, args, standalone_mode=standalone_mode, **extra)


def selection(ctx: click.Context) -> Selection:
    """Make a ``Selection`` of the options that stand before the command."""
    from emonet_bench.plugins.loading import Selection  # noqa: PLC0415 - pydantic is slow to import

    given = ctx.find_root().params
    return Selection(
        files=given.get("plugin", ()), strict=given.get("strict", False), corpora_dir=given.get("corpora_dir")
    )


def _rich(command: click.Command) -> click.Command:
    """Give a command of ``emonet-predict``, which does without rich-click, the help of all others."""
    if isinstance(command, click.RichCommand):
        return command
    return click.RichCommand(name=command.name, callback=command.callback, params=command.params, help=command.help)
