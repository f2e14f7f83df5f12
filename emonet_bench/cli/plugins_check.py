"""Checks of plugins: every kit on what a plugin registers, in a process that may hang or die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from emonet_bench.console.streams import say
from emonet_bench.errors import ConfigError, EmonetBenchError
from emonet_bench.plugins.loading import Plugins, Selection

DEADLINE = 300.0
"""Seconds that a check may take unless the user says otherwise: an export of a large network takes minutes."""

_START = 120.0  # seconds beside the deadline for a process to import torch and to look at a corpus


@dataclass(frozen=True)
class Request:
    """What is to be checked, and how.

    Attributes:
        name: A plugin, or something registered.
        settings: Options in words, for whatever has options of these names.
        window: Seconds that architectures hear; None: clips of any length.
    """

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    window: float | None = None


def report(request: Request, plugins: Plugins, deadline: float = DEADLINE) -> bool:
    """Check a plugin, or whatever is registered under a name, and print what came of it.

    Args:
        request: What is to be checked.
        plugins: What is loaded.
        deadline: Seconds that one check may take; it is then broken, and not waited for.

    Returns:
        Whether contracts were checked, and all of them are kept.

    Raises:
        ConfigError: There is nothing of that name to check, or nothing has an option of that name.
    """
    for origin in plugins.origins:
        if origin.name == request.name and origin.broken:
            say(f"plugin {origin} is broken: {origin.broken}")
            return False
    shown = _Shown()
    while not shown.ended:
        with _examiner(plugins.selection, request, shown.begun) as messages:
            _follow(messages, deadline, shown)
    say(str(shown))
    return shown.kept > 0 and not shown.broken


@dataclass
class _Shown:
    """What was told so far: things begun and those of them that could not be checked; contracts kept and broken."""

    begun: int = 0
    unchecked: int = 0
    kept: int = 0
    broken: int = 0
    ended: bool = False

    def __str__(self) -> str:
        left = f"; {self.unchecked} of {self.begun} could not be checked here" if self.unchecked else ""
        if not self.kept and not self.broken:
            return f"Nothing was checked{left}."
        return f"{self.kept} contracts kept, {self.broken} broken{left}."


def _follow(messages: Connection, deadline: float, shown: _Shown) -> None:
    """Print what the process tells, until its end, its death or the end of our patience."""
    begun, contract, written = shown.begun, "", ""
    patience = deadline + _START
    while True:
        message = _next(messages, patience)
        if isinstance(message, str):
            _broken(contract or "It can be looked at.", message, written or "docs/contracts.md")
            shown.broken, shown.ended = shown.broken + 1, shown.begun == begun
            return
        kind, *content = message
        patience = deadline
        if kind == "mistake":
            raise ConfigError(content[0])
        if kind == "end":
            shown.ended = True
            return
        if kind == "subject":
            shown.begun += 1
            patience += _START
            say(f"{content[0]} {content[1]}")
            if content[2] is not None:
                shown.unchecked += 1
                say(f"  not checked: {content[2]}")
        elif kind == "check":
            contract, written = content
        elif content[0] is None:
            shown.kept += 1
            say(f"  {'kept':8}{contract}")
        else:
            shown.broken += 1
            _broken(contract, content[0], written)


def _next(messages: Connection, patience: float) -> tuple[Any, ...] | str:
    """Return what the process tells next, or why it tells nothing more."""
    if not messages.poll(patience):
        return "not finished by the deadline; not waited for"
    try:
        message: tuple[Any, ...] = messages.recv()
    except EOFError:
        return "its process died"
    return message


def _broken(contract: str, seen: str, written: str) -> None:
    say(f"  {'BROKEN':8}{contract}\n          seen: {seen}\n          see {written}")


@contextmanager
def _examiner(selection: Selection, request: Request, skipped: int) -> Iterator[Connection]:
    """Start a process that examines, and end it with all that it has started, whatever happens."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=examine_all, args=(theirs, selection, request, skipped))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        _end(process)
        ours.close()


def _end(process: SpawnProcess) -> None:
    assert process.pid is not None
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # it leads a group: its workers end, too
    process.kill()
    process.join()


def examine_all(messages: Connection, selection: Selection, request: Request, skipped: int) -> None:
    """Run the kits in this process, and tell what comes of each check.

    Args:
        messages: Where to tell it.
        selection: Which plugins to load.
        request: What is to be checked.
        skipped: How many subjects were examined before, by a process that hung or died.
    """
    _alone()
    from emonet_bench.cli.plugins_subjects import subjects  # noqa: PLC0415 - torch, in this process only
    from emonet_bench.testing.contracts import examine  # noqa: PLC0415

    try:
        with warnings.catch_warnings(action="ignore"):  # the first loading has told what is broken
            found = subjects(request, Plugins(selection))
    except EmonetBenchError as error:
        messages.send(("mistake", str(error)))
        return
    for subject in found[skipped:]:
        messages.send(("subject", subject.kind, subject.name, subject.absent))
        for check in () if subject.absent is not None else subject.checks:
            _tell(messages, examine, subject.kind, check, subject.bench)
    messages.send(("end",))


def _tell(
    messages: Connection, examine: Callable[..., Iterator[object]], kind: str, check: Callable[..., None], bench: object
) -> None:
    from emonet_bench.testing.contracts import CheckResult, announced  # noqa: PLC0415

    messages.send(("check", *announced(kind, check)))
    for result in examine(kind, (check,), bench):
        assert isinstance(result, CheckResult)
        messages.send(("result", None if result.error is None else result.seen))


def _alone() -> None:
    """Lead a group of processes that can be ended together, and let nothing that compilers print through."""
    if hasattr(os, "setsid"):
        os.setsid()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
