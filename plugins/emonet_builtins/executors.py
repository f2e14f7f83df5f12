"""Worker processes on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from emonet_bench.config import Options
from emonet_bench.types import ExecutorKind


def start_processes(_: Options, __: int, devices: Sequence[str]) -> Executor:
    """Start workers as they are needed, each a process of its own."""
    from emonet_bench.matrix.executors import Workers  # noqa: PLC0415 - only where something is run

    return Workers(devices)


EXECUTORS = (ExecutorKind("processes", Options, start_processes),)
