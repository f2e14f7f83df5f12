"""A job of submitit and its future."""

from __future__ import annotations

import os
import shutil
import signal
import time
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from submitit import Job

from emonet_bench.errors import EmonetBenchError

if TYPE_CHECKING:
    from emonet_submitit import SubmititOptions

_GRACE_SECONDS = {"slurm": 15.0, "local": 1.0}  # that a shared disk may take to show a result
_REMEDIES = {
    "CANCELLED": "was cancelled; run the matrix again to go on",
    "TIMEOUT": "ran out of time; raise executor.submitit.time, it goes on from its last epoch",
    "DEADLINE": "ran out of time; raise executor.submitit.time, it goes on from its last epoch",
    "OUT_OF_MEMORY": "ran out of memory; raise executor.submitit.memory",
}


class JobError(EmonetBenchError):
    """A job has ended without a result, for a reason that another try would meet again."""


class Submitted:
    """A job that was submitted.

    Attributes:
        future: Of what its call returns.
    """

    def __init__(self, job: Job[Any], folder: Path, marker: Path, options: SubmititOptions) -> None:
        self.future: Future[Any] = Future()
        self._job, self._folder, self._marker, self._options = job, folder, marker, options
        self._cancelled = False
        self._gone_at: float | None = None  # when it was first seen to have ended without a result

    def look(self) -> bool:
        """Tell the future what has become of the job; return whether it has ended."""
        if self.future.cancelled():
            return self._withdrawn()
        begun = self._marker.exists()
        ended = self._job.paths.result_pickle.exists() or self._has_gone()
        if not self.future.running() and (begun or ended) and not self.future.set_running_or_notify_cancel():
            return self._withdrawn()
        if ended:
            self._settle()
        return ended

    def cancel(self) -> None:
        """Take the job from the queue where it still waits."""
        if self.future.cancel():
            self._withdrawn()

    def _withdrawn(self) -> bool:
        """Take the job from the queue, once; return whether nothing is left of it."""
        local = self._options.cluster == "local"
        if not self._cancelled and local:
            with suppress(ProcessLookupError):
                os.kill(int(self._job.job_id), signal.SIGTERM)  # SIGINT, submitit's own way, leaves a traceback
        elif not self._cancelled:
            self._job.cancel(check=False)
        self._cancelled = True
        if local and not self._job.done():
            return False
        shutil.rmtree(self._folder, ignore_errors=True)
        return True

    def _has_gone(self) -> bool:
        if not self._job.done():
            self._gone_at = None
            return False
        self._gone_at = self._gone_at or time.monotonic()
        return time.monotonic() - self._gone_at > _GRACE_SECONDS[self._options.cluster]

    def _settle(self) -> None:
        try:
            value, error = self._outcome()
        except Exception as unreadable:  # noqa: BLE001 - what was pickled elsewhere may raise anything
            value, error = None, unreadable
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)
        if not isinstance(error, JobError | BrokenExecutor):
            shutil.rmtree(self._folder, ignore_errors=True)  # otherwise its log says more

    def _outcome(self) -> tuple[Any, BaseException | None]:
        """Return what the call returned or raised, or why there is nothing."""
        named = f"job {self._job.job_id}"
        if not self._job.paths.result_pickle.exists():
            state = (self._job.state.split() or ["UNKNOWN"])[0].rstrip("+")
            if state in _REMEDIES:
                return None, JobError(f"{named} {_REMEDIES[state]}")
            return None, BrokenExecutor(f"{named} ended as {state}, without a result; {self._folder} has its log")
        failed = self._job.exception()
        if failed is not None:  # outside of the call: unpickling it, or submitit's own
            lines = [line.strip() for line in str(failed).splitlines()]
            raised = next((line for line in reversed(lines) if "Error: " in line), lines[0])
            if "timed-out too many times" in raised:
                return None, JobError(f"{named} {_REMEDIES['TIMEOUT']}")
            return None, JobError(f"{named}: {raised}; {self._folder} has its log")
        outcome: tuple[Any, BaseException | None] = self._job.result()
        return outcome
