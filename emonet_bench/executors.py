"""Where cells run: worker processes on this machine, or whatever a plugin offers."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor

from emonet_bench.errors import ConfigError
from emonet_bench.plugins import Plugins

PROCESSES = "processes"
"""The built-in executor."""


def executor_factory(name: str, workers: int, plugins: Plugins) -> Callable[[], Executor]:
    """Return a function that starts an executor; it is called again when a worker's death has broken the first.

    Args:
        name: ``processes``, or one that a plugin answers to.
        workers: How many cells may run at once.
        plugins: Who is asked for other names.

    Raises:
        ConfigError: No plugin knows the name.
    """
    if name == PROCESSES:
        # Spawned, not forked: a forked child must not use CUDA, and torch's thread pools do not survive a fork.
        return lambda: ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    answer: Executor | None = plugins.ask("emonet_executor", name=name, workers=workers)
    if answer is None:
        raise ConfigError(
            f"--executor {name}: no plugin offers it; 'emonet-bench plugins list' shows what is installed"
        )
    return lambda: answer


def terminate_workers() -> None:
    """End the worker processes of this process at once."""
    for process in multiprocessing.active_children():
        process.terminate()


def worker_count(jobs: str, threads: int, cells: int, *, cuda: bool) -> int:
    """Choose how many cells run at once.

    Args:
        jobs: A number, or ``auto``: as many as the cores carry, one on a GPU.
        threads: Threads of each cell.
        cells: Cells to run.
        cuda: Whether they run on a GPU.

    >>> worker_count("3", threads=1, cells=2, cuda=False)
    2
    """
    if jobs == "auto":
        wanted = 1 if cuda else len(os.sched_getaffinity(0)) // threads
    elif jobs.isdecimal() and int(jobs) > 0:
        wanted = int(jobs)
    else:
        raise ConfigError(f"--jobs {jobs}: give a whole number from 1, or auto")
    return max(1, min(wanted, cells))
