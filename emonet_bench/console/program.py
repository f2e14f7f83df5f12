"""The program behind a command line: what a command raises becomes one line on stderr and an exit status."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from emonet_bench.console.streams import colours, prepare_streams, say, write_no_more
from emonet_bench.console.termination import termination_raised
from emonet_bench.errors import EmonetBenchError, StoreError, Terminated
from emonet_bench.escaping import one_line

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 + SIGINT."""

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What is wrong with a disk, or with where the output goes, and not with the program."""

_UNREACHABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ELOOP, errno.ENOTDIR)
"""What is wrong with a path that the user has named."""


def run(main: Callable[..., Any], args: Sequence[str] | None, *, standalone_mode: bool, **extra: Any) -> Any:
    """Run a command line: what ``main`` of click's commands does, but a mistake becomes one line on stderr.

    Args:
        main: The method of click.
        args: The words; None: those of this process.
        standalone_mode: Whether to end the process with an exit status. Otherwise errors are raised.
        extra: What else ``main`` takes.
    """
    prepare_streams()
    if not colours():
        extra["color"] = False
    with _one_line_warnings():
        if not standalone_mode:
            return main(args, standalone_mode=False, **extra)
        try:
            _check_words(sys.argv[1:] if args is None else args)
            with termination_raised():
                status = main(args, standalone_mode=False, **extra)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader of our output has left: `emonet-bench report results | head`
            write_no_more(sys.stdout)
            status = 1
        except (EmonetBenchError, click.ClickException) as error:
            status = _complain(error)
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
        return _complain(StoreError(f"{str(where)[:100]}...: {error.strerror}; shorten it"))
    if error.errno in _UNWRITABLE:
        write_no_more(sys.stdout)
        return _complain(StoreError(f"{where}: cannot be written ({error.strerror}); free some space"))
    if error.errno in _UNREACHABLE and error.filename is not None:
        return _complain(StoreError(f"{where}: {error.strerror}; check the path and its permissions"))
    raise error


def _complain(error: EmonetBenchError | click.ClickException) -> int:
    """Print an error on one line, unwrapped, and return the exit status; a command without words is shown its help."""
    if isinstance(error, click.UsageError) and type(error).__name__ == "NoArgsIsHelpError":  # since click 8.2
        say(error.format_message(), err=True)
        return error.exit_code
    if isinstance(error, click.ClickException):
        message = error.format_message()
        context = getattr(error, "ctx", None)
        hint = f" Try '{context.command_path} --help'." if context else ""
    else:
        message, hint = str(error), ""
    ending = "" if not hint or message.endswith((".", "?", "?)")) else "."
    say(one_line(f"{message}{ending}{hint}"), before=click.style("Error:", fg="red", bold=True), err=True)
    return error.exit_code if isinstance(error, click.ClickException) else 2


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.showwarning = _show
        yield


def _show(message: Warning | str, *_: Any, **__: Any) -> None:
    say(" ".join(str(message).split()), before=click.style("Warning:", fg="yellow"), err=True)
