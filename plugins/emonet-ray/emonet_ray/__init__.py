"""``--executor ray``: the cells of a matrix as tasks on a Ray cluster."""

from __future__ import annotations

from concurrent.futures import Executor

from emonet_bench import hookimpl


@hookimpl
def emonet_executor(name: str, workers: int) -> Executor | None:
    """Return an executor on the cluster that ``RAY_ADDRESS`` names, or on this machine where it names none."""
    if name != "ray":
        return None
    from emonet_ray.executor import RayExecutor  # noqa: PLC0415 - ray is slow to import

    return RayExecutor(workers)
