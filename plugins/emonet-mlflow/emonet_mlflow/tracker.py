"""The tracker: logs runs while they run. A server that is lost costs no run: what it missed is sent when it answers."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from emonet_bench.errors import EmonetBenchError
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.spec import RunSpec
from emonet_mlflow.server import NoAnswerError, Server
from emonet_mlflow.tracked_run import TrackedRun

_PAUSE = 30.0  # seconds until a lost server is tried again

Ending = Callable[[TrackedRun], None]


class Tracker:
    """Logs runs to a server.

    Args:
        address: What ``MLFLOW_TRACKING_URI`` says.
    """

    def __init__(self, address: str) -> None:
        self._server = Server(address)
        self._open: dict[Path, TrackedRun] = {}
        self._owed: dict[Path, tuple[RunSpec, Ending]] = {}  # ended, and not told yet
        self._lost_at: float | None = None
        atexit.register(self._leave)

    def started(self, spec: RunSpec, directory: Path) -> None:
        """Begin a run; it is told again where its first worker has died."""
        if directory not in self._open:
            self._try(lambda: self._run(spec, directory))

    def epoch(self, epoch: int, scores: Mapping[str, float], directory: Path) -> None:
        """Log an epoch; one that is missed is made up for at the end."""
        if directory in self._open:
            self._try(lambda: self._open[directory].epoch(epoch, scores))

    def finished(self, spec: RunSpec, record: Mapping[str, Any], directory: Path) -> None:
        """Log the scores and the files."""
        self._end(spec, directory, lambda run: run.finish(record))

    def failed(self, spec: RunSpec, error: RunError, directory: Path) -> None:
        """Log why a run has failed."""
        self._end(spec, directory, lambda run: run.fail(error))

    def _end(self, spec: RunSpec, directory: Path, ending: Ending) -> None:
        self._owed[directory] = (spec, ending)
        self._try(self._settle)

    def _settle(self) -> None:
        for directory in list(self._owed):
            spec, ending = self._owed.pop(directory)
            try:
                with self._server.reached():
                    ending(self._run(spec, directory))
            except NoAnswerError:
                self._owed[directory] = (spec, ending)
                raise
            finally:
                if directory not in self._owed:
                    self._open.pop(directory, None)

    def _run(self, spec: RunSpec, directory: Path) -> TrackedRun:
        if directory not in self._open:
            self._open[directory] = TrackedRun.begin(self._server, spec, directory)
        return self._open[directory]

    def _try(self, talk: Callable[[], object]) -> None:
        """Talk to the server, unless it was lost a moment ago.

        Raises:
            ConfigError: It is lost, which is said once until it has answered again; or it refuses.
        """
        if self._lost_at is not None and time.monotonic() - self._lost_at < _PAUSE:
            return
        before, self._lost_at = self._lost_at, None
        try:
            with self._server.reached():
                talk()
        except NoAnswerError as error:
            self._lost_at = time.monotonic()
            if before is None:
                raise NoAnswerError(f"{error} What is missed is sent by 'emonet-bench mlflow log RESULTS'") from None

    def _leave(self) -> None:
        """Send what is owed, and say of runs that have not ended that they were interrupted."""
        with suppress(EmonetBenchError), self._server.reached():
            self._settle()
            for run in self._open.values():
                run.kill()
