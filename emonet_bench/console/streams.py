"""Consoles: standard streams that are closed, not in UTF-8 or without colours, and text of others upon them."""

from __future__ import annotations

import codecs
import io
import logging
import os
import sys
from contextlib import suppress
from typing import TextIO

import click

from emonet_bench.escaping import printable

SIMPLER = {
    **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "-"),
    **dict.fromkeys("█▉▊▋▌▍▎▏", "#"),
    "✓": "+",
    "±": "+-",
    "\N{MULTIPLICATION SIGN}": "x",
    "†": "+",
    "…": "...",
    "→": "->",
    "·": ".",
}
"""What stands for the host's own signs where a console's encoding lacks them; any other character is escaped."""

_HANDLER = "emonet_bench.simpler"


def prepare_streams() -> None:
    """Make standard streams that never raise for what they are: closed, or in an encoding that lacks a character.

    A closed one goes nowhere, and its number is taken: the next file opened would get it, and with it whatever a
    library prints.
    """
    codecs.register_error(_HANDLER, _simpler)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            _take_number(number)
            if number:
                setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _take_number(number: int) -> None:
    with suppress(OSError):
        os.fstat(number)
        return
    null = os.open(os.devnull, os.O_RDWR)
    if null == number:
        os.set_inheritable(number, True)  # noqa: FBT003 - the function takes it by place only
    else:
        os.dup2(null, number)
        os.close(null)


def _simpler(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = (SIMPLER.get(sign) or sign for sign in error.object[error.start : error.end])
    return "".join(signs).encode("ascii", "backslashreplace").decode("ascii"), error.end


def say(text: object = "", *, err: bool = False, before: str = "", nl: bool = True) -> None:
    """Print text of anybody, unwrapped; what a terminal would obey is shown instead.

    Args:
        text: What to print.
        err: Whether on stderr; that it cannot be written there is passed over, since nobody could read of it.
        before: A styled word of the host's own that goes before.
        nl: Whether a line break follows.
    """
    line = f"{before} {printable(str(text))}" if before else printable(str(text))
    try:
        # Given the stream itself: else click takes one that calls itself ASCII for UTF-8.
        click.echo(line, sys.stderr if err else sys.stdout, nl=nl, color=None if colours() else False)
    except OSError:
        if not err:
            raise
        write_no_more(sys.stderr)


def write_no_more(stream: TextIO) -> None:
    """Let what a stream still has to write go nowhere, so that Python does not complain of it at its end."""
    with suppress(OSError):  # io.UnsupportedOperation among them: it has no number
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def colours() -> bool:
    """Tell whether a terminal may be coloured: ``NO_COLOR`` (https://no-color.org) and ``TERM=dumb`` say that not."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class LogFormatter(logging.Formatter):
    """Log lines for a console: what a terminal would obey is shown instead."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        return printable(super().format(record))
