"""An executor of ``concurrent.futures`` whose every call is one Ray task."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import (
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    WorkerCrashedError,
)

from emonet_bench.errors import ConfigError
from emonet_ray.travel import Parcel, Returned, carry_out, deliver, forget, pack

_RETRIES = 3  # of a task whose node is lost
_LOST = (NodeDiedError, OutOfMemoryError, WorkerCrashedError)


class RayExecutor(Executor):
    """Runs functions on a Ray cluster.

    Args:
        workers: How many of them will be in flight at once; with fewer GPUs than that, they share them.
        address: Of the cluster; None: the one that ``RAY_ADDRESS`` names, or else this machine alone.

    Raises:
        ConfigError: The cluster cannot be reached.
    """

    def __init__(self, workers: int, address: str | None = None) -> None:
        own = {
            name: str(Path(value).absolute()) if value and name.endswith("_DIR") else value
            for name, value in os.environ.items()
            if name.startswith("EMONET_BENCH_")
        }
        try:
            ray.init(
                address,
                ignore_reinit_error=True,
                log_to_driver=False,  # each cell has a log of its own
                logging_level="ERROR",
                runtime_env={"env_vars": own},
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            place = address or os.environ.get("RAY_ADDRESS", "this machine")
            raise ConfigError(
                f"executor.ray.address {place}: no cluster answers ({error}); is 'ray start' running?"
            ) from error
        self._workers = workers
        self._task = ray.remote(max_retries=_RETRIES)(carry_out)
        self._running: set[ray.ObjectRef[Returned]] = set()
        self._widest = max(node["Resources"].get("CPU", 0) for node in ray.nodes())

    def capacity(self, threads: int, device: str) -> int:
        """Count the cells that the nodes' cores carry at the moment, and one for each GPU where cells need one."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        carried = sum(int(node.get("CPU", 0)) // threads for node in nodes)
        gpus = sum(int(node.get("GPU", 0)) for node in nodes) if device == "cuda" else 0
        self._workers = max(1, min(carried, gpus) if gpus else carried)
        return self._workers

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run a function as one task; a cell brings its source along and sends its result back where it must.

        Raises:
            ConfigError: No node has the cores that the cell asks for: it would wait for ever.
        """
        resources = self._resources(arguments)
        parcel = pack(function, arguments, options)
        ref = self._task.options(**resources).remote(parcel)
        self._running.add(ref)
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        ref.future().add_done_callback(lambda ended: self._settle(ref, parcel, ended, future))
        return future

    def _settle(
        self, ref: ray.ObjectRef[Returned], parcel: Parcel, ended: Future[Returned], future: Future[Any]
    ) -> None:
        self._running.discard(ref)
        try:
            future.set_result(deliver(parcel, ended.result()))
        except _LOST as error:
            future.set_exception(BrokenExecutor(str(error)))
        except RayTaskError as error:
            future.set_exception(error.as_instanceof_cause())
        except (Exception, RayError) as error:  # noqa: BLE001 - whatever the function raised is the caller's
            future.set_exception(error)
        finally:
            forget(parcel)

    def _resources(self, arguments: tuple[Any, ...]) -> dict[str, float]:
        """Ask for a cell's threads, and for a part of a GPU where it trains on one and the cluster has some."""
        cell = getattr(arguments[0], "cell", None) if arguments else None
        if cell is None:
            return {"num_cpus": 1}
        training = cell.spec.training
        if training.threads > self._widest:
            raise ConfigError(
                f"training.threads: {training.threads} are more than any node of the cluster has cores "
                f"({self._widest:g}); lower them"
            )
        gpus = ray.cluster_resources().get("GPU", 0) if training.device == "cuda" else 0
        asked: dict[str, float] = {"num_cpus": training.threads}
        if gpus:
            asked["num_gpus"] = share(gpus, self._workers)
        return asked

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        """Wait for the tasks, or cancel them."""
        if cancel_futures:
            for ref in list(self._running):
                ray.cancel(ref, force=True)
        elif wait and self._running:
            ray.wait(list(self._running), num_returns=len(self._running))


def share(gpus: float, workers: int) -> float:
    """Divide GPUs among workers: a whole one each, or equal parts of which a whole number fits on each GPU.

    >>> share(4, 2), share(2, 4), share(2, 5)
    (1.0, 0.5, 0.3333)
    """
    each = -(-workers // int(gpus)) if gpus >= 1 else workers
    return int(10_000 / max(1, each)) / 10_000  # Ray counts in ten-thousandths
