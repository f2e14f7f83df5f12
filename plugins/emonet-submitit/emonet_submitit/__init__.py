"""``--executor submitit``: the cells of a matrix as jobs of SLURM."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Literal

from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.types import ExecutorKind


class SubmititOptions(Options):
    """Options of ``submitit``."""

    cluster: Literal["slurm", "local"] = option(
        "slurm", "slurm: jobs of SLURM; local: processes of this machine, to try it."
    )
    partition: str | None = option(None, "Partition of SLURM; none: its default.")
    account: str | None = option(None, "Account that the jobs are charged to; none: your default.")
    time: int = option(240, "Minutes that a job may take.", ge=1)
    requeues: int = option(
        10, "How often a job that ran out of time is queued again; it goes on from its last epoch.", ge=0
    )
    memory: float | None = option(None, "GB of each job; none: SLURM's default.", gt=0)
    gpus: int | None = option(None, "GPUs of each job; none: one where the cell trains on cuda.", ge=0)
    setup: list[str] = option([], "Shell commands before a job's Python, such as `module load cuda`.")
    sbatch: dict[str, str] = option({}, "Further parameters of sbatch, such as `constraint`, by their long names.")
    folder: Path = option(Path(".submitit"), "Where jobs keep what they exchange; on a disk that all nodes share.")


@hookimpl
def emonet_executors() -> Sequence[ExecutorKind]:
    """Register the executor."""
    return [ExecutorKind("submitit", SubmititOptions, start)]


def start(options: SubmititOptions, workers: int, devices: Sequence[str]) -> Executor:
    """Start an executor: SLURM's own queue decides how many jobs run at once, and on which GPUs."""
    del workers, devices
    from emonet_submitit.executor import SubmititExecutor  # noqa: PLC0415 - submitit is needed only here

    return SubmititExecutor(options)
