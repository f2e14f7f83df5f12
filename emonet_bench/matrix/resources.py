"""Resources: what ``auto`` means on this machine, its GPUs, and how many cells run at once. No torch without a GPU."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import cache
from pathlib import Path

from emonet_bench import machine
from emonet_bench.config import Training
from emonet_bench.errors import ConfigError

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # of NVIDIA, of WSL, of AMD
_CONTEXT_MB = 700  # of GPU memory that a process takes before its first tensor
_USABLE = 0.9  # part of a GPU's or a machine's memory that is planned with
_DIGITS = 9  # of a number of jobs; Python refuses to read thousands of them


def resolve(training: Training) -> Training:
    """Replace ``auto`` by what this machine has.

    Raises:
        ConfigError: cuda is asked for and there is none.
    """
    device = training.device
    if device == "auto":
        device = "cuda" if cuda_is_there() else "cpu"
    check_device(device, "--device cuda")
    precision = training.precision
    if precision == "auto":
        precision = "bfloat16" if device == "cuda" or cpu_multiplies_bfloat16() else "float32"
    return training.model_copy(update={"device": device, "precision": precision})


def check_device(device: str, where: str) -> None:
    """Hold a device that is asked for to be here.

    Args:
        device: Its kind.
        where: What asks for it, for the message.

    Raises:
        ConfigError: cuda is asked for and there is none.
    """
    if device == "cuda" and not cuda_is_there():
        raise ConfigError(f"{where}: torch sees no CUDA device here; 'emonet-bench doctor' tells more")


@cache
def cuda_is_there() -> bool:
    """Tell whether torch sees a CUDA device. Where Linux has no driver it is not asked: its import takes seconds."""
    if sys.platform == "linux" and not any(Path(driver).exists() for driver in _DRIVERS):
        return False
    import torch  # noqa: PLC0415 - see above

    return torch.cuda.is_available()


@cache
def cpu_multiplies_bfloat16() -> bool:
    """Tell whether convolutions are faster in bfloat16 than in float32; False where it was not measured."""
    try:
        return " avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        return False


def choose_gpu(device: str) -> str:
    """Let this process and its workers see one GPU alone where a device names it.

    Args:
        device: auto, cpu, cuda or cuda:N.

    Returns:
        The kind of device.

    Raises:
        ConfigError: It is none of these.
    """
    kind, colon, index = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (colon and not (kind == "cuda" and index.isdecimal())):
        raise ConfigError(f"--device {device}: give auto, cpu, cuda or cuda:N")
    if colon:
        os.environ["CUDA_VISIBLE_DEVICES"] = index  # workers inherit it
    return kind


def visible_gpus() -> list[str]:
    """Name the GPUs that this process may use, each as a value of ``CUDA_VISIBLE_DEVICES``."""
    import torch  # noqa: PLC0415 - asked for only where cells run on GPUs

    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]


def _gpu_memory_mb(count: int) -> list[int]:
    if not count:
        return []
    import torch  # noqa: PLC0415 - asked for only where cells run on GPUs

    return [torch.cuda.get_device_properties(i).total_memory // 2**20 for i in range(count)]


def worker_count(jobs: int | str, threads: int, cells: int) -> int:
    """Choose how many cells may run at once at the most; see ``gpu_room`` and ``room_in_memory``, too.

    Args:
        jobs: A number, or ``auto``: as many as the cores carry.
        threads: Threads of each cell.
        cells: Cells to run.

    Raises:
        ConfigError: ``jobs`` is neither.

    >>> worker_count("3", threads=1, cells=2)
    2
    """
    text = str(jobs)
    if text == "auto":
        wanted = machine.cores() // threads
    elif text.isdecimal() and len(text) <= _DIGITS and int(text) > 0:
        wanted = int(text)
    else:
        raise ConfigError(f"--jobs {text[:_DIGITS]}: give a whole number from 1, or auto")
    return max(1, min(wanted, cells))


def room_for_cells(
    jobs: int | str, workers: int, gpus: int, peak_mb: Callable[[], int | None], threads: int, device: str
) -> Callable[[Executor], int]:
    """Say how many cells may run at once: ``auto`` asks an executor that knows, then the memory here.

    Args:
        jobs: A number, or ``auto``.
        workers: The most that may run at once.
        gpus: How many GPUs there are for them.
        peak_mb: Tells the most memory that a cell has taken so far; None: unknown.
        threads: Threads of each cell.
        device: cpu or cuda.

    Returns:
        A function of the executor, to be asked anew whenever some cell could start.
    """
    memory, gpu_memory = machine.memory_mb(), _gpu_memory_mb(gpus)

    def room(executor: Executor) -> int:
        if str(jobs) != "auto":
            return workers
        capacity: Callable[[int, str], int] | None = getattr(executor, "capacity", None)
        if capacity is not None:
            return max(1, capacity(threads, device))
        if gpu_memory:
            return gpu_room(gpu_memory, peak_mb(), workers)
        return room_in_memory(memory, peak_mb(), workers)

    return room


def gpu_room(memory_mb: Sequence[int], peak_mb: int | None, workers: int) -> int:
    """Choose how many cells run at once on GPUs: as many as fit into memory, evenly dealt.

    Args:
        memory_mb: Memory of each GPU, in MiB.
        peak_mb: The most memory that a cell has taken so far; None: unknown, so each GPU gets one cell.
        workers: As many as the cores carry.

    >>> gpu_room([80_000, 80_000], None, workers=32), gpu_room([80_000, 80_000], 5_000, workers=32)
    (2, 24)
    """
    each = 1 if peak_mb is None else max(1, int(min(memory_mb) * _USABLE) // (peak_mb + _CONTEXT_MB))
    return min(workers, each * len(memory_mb))


def room_in_memory(memory_mb: int, peak_mb: int | None, workers: int) -> int:
    """Choose how many cells run at once without GPUs: as many as fit into memory, once a cell's is known.

    Args:
        memory_mb: Memory of the machine, in MiB.
        peak_mb: The most memory that a cell has taken so far; None: unknown.
        workers: As many as the cores carry.

    >>> room_in_memory(16_000, None, workers=32), room_in_memory(16_000, 1_000, workers=32)
    (32, 14)
    """
    return workers if peak_mb is None else max(1, min(workers, int(memory_mb * _USABLE) // max(1, peak_mb)))
