"""``--executor ray``: the cells of a matrix as tasks on a Ray cluster."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.types import ExecutorKind


class RayOptions(Options):
    """Options of ``ray``."""

    address: str | None = option(
        None, "Address of the cluster; none: the one that RAY_ADDRESS names, or else this machine alone."
    )


@hookimpl
def emonet_executors() -> Sequence[ExecutorKind]:
    """Register the executor."""
    return [ExecutorKind("ray", RayOptions, start)]


def start(options: RayOptions, workers: int, _: Sequence[str]) -> Executor:
    """Join the cluster."""
    from emonet_ray.executor import RayExecutor  # noqa: PLC0415 - ray is slow to import

    return RayExecutor(workers, options.address)
