"""An executor of ``concurrent.futures`` whose every call is one job of submitit."""

from __future__ import annotations

import io
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import wait as wait_for
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import submitit

from emonet_bench.errors import ConfigError
from emonet_submitit.call import Call, surroundings
from emonet_submitit.job import Submitted

if TYPE_CHECKING:
    from emonet_submitit import SubmititOptions

_POLL_SECONDS = 0.5
_ASK_SECONDS = 30.0  # between two questions to SLURM's accounting, where submitit would wait up to ten minutes
_QUEUED = 100  # jobs that may be in the queue at once where --jobs says nothing


class SubmititExecutor(Executor):
    """Runs functions as jobs.

    Args:
        options: Where, and what each job may take.

    Raises:
        ConfigError: There is no SLURM here, or the folder cannot be written.
    """

    def __init__(self, options: SubmititOptions) -> None:
        self._options, self._folder = options, options.folder.absolute()
        self._jobs: list[Submitted] = []
        self._lock = threading.Lock()
        self._closed = False
        self._watcher: threading.Thread | None = None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # jobs run what lies there
        except OSError as error:
            raise ConfigError(f"executor.submitit.folder {self._folder}: {error.strerror}; name another") from error
        if options.cluster == "slurm" and shutil.which("srun") is None:
            raise ConfigError(
                "executor.submitit: there is no SLURM here (srun is not found); start this on a login node, or try it "
                "with --executor-option cluster=local"
            )

    def capacity(self, threads: int, device: str) -> int:
        """Count the cells that may be under way: SLURM's queue holds back what does not fit."""
        del device
        return _QUEUED if self._options.cluster == "slurm" else (os.cpu_count() or 1) // threads

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run a function as one job.

        Raises:
            RuntimeError: The executor was shut down.
            ConfigError: SLURM refuses the job.
        """
        if self._closed:
            raise RuntimeError("cannot submit after shutdown")
        folder = self._folder / uuid.uuid4().hex
        directory, variables = surroundings()
        call = Call(function, arguments, options, directory, variables, folder / "started")
        folder.mkdir()
        said = io.StringIO()
        try:
            with redirect_stderr(said):
                job = self._executor(folder, arguments).submit(call)
        except (RuntimeError, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            told = " ".join((str(error) or said.getvalue()).split())
            raise ConfigError(f"executor.submitit: SLURM refuses the job ({told}); see its options") from error
        submitted = Submitted(job, folder, call.marker, self._options)
        with self._lock:
            self._jobs.append(submitted)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, daemon=True)
                self._watcher.start()
        return submitted.future

    def _executor(self, folder: Any, arguments: tuple[Any, ...]) -> submitit.AutoExecutor:
        """Make an executor of submitit for one job, with what a cell asks for."""
        options = self._options
        cell = getattr(arguments[0], "cell", None) if arguments else None
        training = None if cell is None else cell.spec.training
        gpus = options.gpus if options.gpus is not None else int(training is not None and training.device == "cuda")
        executor = submitit.AutoExecutor(
            folder,
            options.cluster,
            slurm_max_num_timeout=options.requeues,
            local_max_num_timeout=options.requeues,
        )
        executor.update_parameters(
            name="emonet-bench",
            timeout_min=options.time,
            mem_gb=options.memory,
            cpus_per_task=1 if training is None else training.threads,
            gpus_per_node=gpus or None,
            slurm_partition=options.partition,
            slurm_account=options.account,
            slurm_setup=options.setup or None,
            local_setup=options.setup or None,
            slurm_additional_parameters=dict(options.sbatch) or None,
        )
        return executor

    def _watch(self) -> None:
        """Settle futures while there are jobs."""
        asked = time.monotonic()
        while True:
            with self._lock:
                jobs = list(self._jobs)
                if not jobs:
                    self._watcher = None
                    return
            if self._options.cluster == "slurm" and time.monotonic() - asked > _ASK_SECONDS:
                asked = time.monotonic()
                submitit.SlurmJob.watcher.update()  # once for all of them
            ended = [job for job in jobs if _ended(job)]
            with self._lock:
                self._jobs = [job for job in self._jobs if job not in ended]
            if not ended:
                time.sleep(_POLL_SECONDS)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        """Take what waits from the queue, or wait for all; what runs comes to its end, and its result counts."""
        self._closed = True
        with self._lock:
            jobs = list(self._jobs)
        for job in jobs if cancel_futures else ():
            job.cancel()
        if wait:
            wait_for([job.future for job in jobs if not job.future.cancelled()])


def _ended(job: Submitted) -> bool:
    try:
        return job.look()
    except OSError:  # a shared disk may be away for a moment
        return False
