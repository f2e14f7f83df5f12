"""The shell, the group behind ``emonet-bench``: commands are imported when they are invoked, a mistake is one line."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import rich_click as click

from emonet_bench.cli.consoles import colours, prepare_streams, say, write_no_more
from emonet_bench.errors import EmonetBenchError, StoreError, Terminated
from emonet_bench.escaping import one_line

if TYPE_CHECKING:
    from emonet_bench.plugins.loading import Plugins, Selection

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 + SIGINT."""

ARCHITECTURES = "Architectures, on tables of audio files"
ADDED = "From plugins"
"""Panels of the help: the commands of architectures, and other commands of plugins."""

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What is wrong with a disk, or with where the output goes, and not with the program."""

_UNREACHABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENOTDIR)
"""What is wrong with a path that the user has named."""

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
            from emonet_bench.config import did_you_mean  # noqa: PLC0415 - pydantic is slow to import

            raise click.UsageError(f"unknown command {name!r}{did_you_mean(name, self.list_commands(ctx))}", ctx)
        return name, command, rest

    def _imported(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command of the host, or make those of an architecture."""
        if name in self.lazy:
            command: click.Command = getattr(import_module(self.lazy[name][0]), name)
            return command
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
        prepare_streams()
        if not colours():
            extra["color"] = False
        with _one_line_warnings():
            if not standalone_mode:
                return super().main(args, standalone_mode=False, **extra)
            try:
                _check_words(sys.argv[1:] if args is None else args)
                status = super().main(args, standalone_mode=False, **extra)
                sys.stdout.flush()
            except BrokenPipeError:  # the reader of our output has left: `emonet-bench report results | head`
                write_no_more(sys.stdout)
                status = 1
            except (EmonetBenchError, click.ClickException) as error:
                status = complain(error)
            except OSError as error:
                status = _out_of_reach(error)
            except Terminated as ended:
                say("Terminated.", err=True)
                status = ended.status
            except click.Abort:
                say("Interrupted.", err=True)
                status = INTERRUPTED
        sys.exit(status if isinstance(status, int) else 0)


def _check_words(words: Sequence[str]) -> None:
    """Refuse what no path and no name can hold; only a program that calls ``main`` itself can give it.

    Raises:
        click.UsageError: A word has a NUL character, or no form in bytes.
    """
    for word in words:
        try:
            holds = b"\0" not in os.fsencode(word)
        except UnicodeEncodeError:
            holds = False
        if not holds:
            raise click.UsageError(f"{word!r} can be no path and no name: leave out its NUL and surrogate characters")


def _out_of_reach(error: OSError) -> int:
    """Say what is wrong with a disk or a path; any other error of the system is the program's, and is raised."""
    where = error.filename or "the output"
    if error.errno == errno.ENAMETOOLONG:
        return complain(StoreError(f"{str(where)[:100]}...: {error.strerror}; shorten it"))
    if error.errno in _UNWRITABLE:
        write_no_more(sys.stdout)
        return complain(StoreError(f"{where}: cannot be written ({error.strerror}); free some space"))
    if error.errno in _UNREACHABLE and error.filename is not None:
        return complain(StoreError(f"{where}: {error.strerror}; check the path and its permissions"))
    raise error


def selection(ctx: click.Context) -> Selection:
    """Make a ``Selection`` of the options that stand before the command."""
    from emonet_bench.plugins.loading import Selection  # noqa: PLC0415 - pydantic is slow to import

    given = ctx.find_root().params
    return Selection(
        files=given.get("plugin", ()), strict=given.get("strict", False), corpora_dir=given.get("corpora_dir")
    )


def complain(error: EmonetBenchError | click.ClickException) -> int:
    """Print an error on one line, unwrapped, and return the exit status."""
    if isinstance(error, click.ClickException):
        message = error.format_message()
        context = getattr(error, "ctx", None)
        hint = f" Try '{context.command_path} --help'." if context else ""
    else:
        message, hint = str(error), ""
    ending = "" if not hint or message.endswith((".", "?")) else "."
    say(one_line(f"{message}{ending}{hint}"), before=click.style("Error:", fg="red", bold=True), err=True)
    return error.exit_code if isinstance(error, click.ClickException) else 2


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.showwarning = _show
        yield


def _show(message: Warning | str, *_: Any, **__: Any) -> None:
    say(" ".join(str(message).split()), before=click.style("Warning:", fg="yellow"), err=True)
