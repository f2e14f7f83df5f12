"""A call on its way to a node: what a job runs there."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from submitit.helpers import DelayedSubmission

PREFIX = "EMONET_BENCH_"
"""Of the variables that go with a call."""


@dataclass(frozen=True)
class Call:
    """A call of a function; submitit pickles it, and queues it again where a job runs out of time or is preempted.

    Attributes:
        function: What to call.
        arguments: Its arguments.
        options: Its keyword arguments.
        directory: The working directory.
        variables: Those of the environment that begin with ``PREFIX``.
        marker: A file that appears when the call begins.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    directory: Path
    variables: Mapping[str, str]
    marker: Path

    def __call__(self) -> tuple[Any, BaseException | None]:
        """Make the call; return what it returned or raised.

        It runs in a thread of its own: the signal that announces the end of a job's time raises ``SystemExit`` in the
        main thread, and a cell takes any exception for its result.
        """
        os.chdir(self.directory)
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            del os.environ[name]
        os.environ.update(self.variables)
        self.marker.touch()
        outcome: list[tuple[Any, BaseException | None]] = []
        thread = threading.Thread(target=self._carry_out, args=(outcome,), daemon=True)
        thread.start()
        try:
            thread.join()
        except SystemExit as leaving:  # the job is in the queue again
            os._exit(leaving.code if isinstance(leaving.code, int) else 1)  # the thread is in the middle of its work
        return outcome[0]

    def checkpoint(self) -> DelayedSubmission:
        """Return what the job does when its turn comes again: the same, a cell goes on from its last saved epoch."""
        return DelayedSubmission(self)

    def _carry_out(self, outcome: list[tuple[Any, BaseException | None]]) -> None:
        try:
            outcome.append((self.function(*self.arguments, **self.options), None))
        except BaseException as error:  # noqa: BLE001 - whatever the function raises is the caller's
            outcome.append((None, error))


def surroundings() -> tuple[Path, dict[str, str]]:
    """Return the working directory and the variables that go with a call."""
    return Path.cwd(), {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
