"""The command line, ``emonet-predict``: what deployment needs, without what training needs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from emonet_bench.console.program import run
from emonet_bench.errors import DISTRIBUTION

COMMANDS = {
    "predict": "Predict labels of audio files; the command where none is named.",
    "show": "Describe an ONNX file.",
    "verify-model": "Check that an ONNX file says here what it said where it was exported.",
    "serve": "Serve ONNX files over HTTP and WebSocket, with a page to try them.",
    "page": "Write a page that runs an ONNX file in the browser.",
}
_NEAR = 0.65  # `verify` is so like `verify-model`, and `show.onnx` not so like `show`
_OWN = frozenset({"-h", "--help", "--version"})


class Program(click.Group):
    """A group of commands, imported when they are named; what names none is for the first of them.

    Args:
        commands: Names and short helps; the module of each lies beside this one.
        options: Of ``click.Group``.
    """

    def __init__(self, commands: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self._helps = commands

    def list_commands(self, _: click.Context) -> list[str]:
        """Name the commands in their order."""
        return [*self._helps]

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """Import a command."""
        if name not in self._helps:
            return None
        attribute = name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{__name__}.{attribute}"), attribute)
        command.short_help = self._helps[name]
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the first command before arguments that begin with none."""
        if args and args[0] not in {*self._helps, *_OWN}:
            self._check_spelling(ctx, args[0])
            args = [next(iter(self._helps)), *args]
        return super().parse_args(ctx, args)

    def _check_spelling(self, ctx: click.Context, word: str) -> None:
        """Refuse a word that is no file, and nearly a command.

        Raises:
            click.UsageError: It is that.
        """
        from difflib import get_close_matches  # noqa: PLC0415 - not for what is spelled well

        if (
            not word.startswith("-")
            and not os.path.lexists(word)
            and (near := get_close_matches(word, self._helps, 1, _NEAR))
        ):
            raise click.UsageError(f"{word!r} is neither a file nor a command; did you mean {near[0]}?", ctx)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is no exit status, ``ctx.exit`` gives one."""
        super().invoke(ctx)

    def main(self, args: Sequence[str] | None = None, *_: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command line; a mistake becomes one line on stderr and an exit status."""
        return run(super().main, args, standalone_mode=standalone_mode, **extra)


@click.command(
    cls=Program, commands=COMMANDS, name="emonet-predict", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name=DISTRIBUTION, prog_name="emonet-predict")
def main() -> None:
    """Name the emotion in audio files with a model that `emonet-bench export` wrote.

    emonet-predict model.onnx clip.wav
    """
