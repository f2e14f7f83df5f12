"""Termination: SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing half written is left behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from emonet_bench.errors import Terminated

TERMINATION = ("SIGTERM", "SIGHUP")
"""Signals by which a service manager, a scheduler or a closed terminal ends a process; Windows lacks the second."""

ALL = ("SIGINT", *TERMINATION)
"""With Ctrl-C."""


def heard_by(handler: Callable[[int, Any], object], names: Sequence[str]) -> dict[int, Any]:
    """Set a handler of signals; one that is ignored, as SIGHUP by ``nohup``, stays so.

    Returns:
        What handled each of them before; empty in any thread but the main one, where no handler may be set.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in heard}


def restore(handlers: dict[int, Any]) -> None:
    """Put handlers of signals back."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def termination_raised() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise ``Terminated`` meanwhile.

    Raises:
        Terminated: One of them has come.
    """
    before = heard_by(raise_terminated, TERMINATION)
    try:
        yield
    finally:
        restore(before)


def raise_terminated(number: int, _: object) -> NoReturn:
    """Handle a signal.

    Raises:
        Terminated: Always.
    """
    raise Terminated(number)
