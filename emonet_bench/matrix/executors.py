"""Where cells run: worker processes on this machine, or whatever a plugin offers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NoReturn

from emonet_bench.config import did_you_mean
from emonet_bench.errors import ConfigError, StoreError, Terminated
from emonet_bench.plugins.loading import Plugins

PROCESSES = "processes"
"""The built-in executor."""

_CONTEXT_MB = 700  # of GPU memory that a process takes before its first tensor
_USABLE = 0.9  # part of a GPU's or a machine's memory that is planned with


class Workers(Executor):
    """Worker processes, each a pool of its own, so that a death costs only the cell that the process had.

    They are spawned, not forked: a forked child must not use CUDA, and torch's thread pools do not survive a fork. A
    worker ends with the process that started it.

    Args:
        devices: Values of ``CUDA_VISIBLE_DEVICES``, each that of some workers; empty: workers see what we see.
    """

    def __init__(self, devices: Sequence[str] = ()) -> None:
        self._devices: Sequence[str | None] = devices or [None]
        self._pools: list[ProcessPoolExecutor] = []
        self._idle: dict[str | None, list[ProcessPoolExecutor]] = {device: [] for device in self._devices}
        self._at_work: dict[Future[Any], str | None] = {}

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Run a function on the device with the least work, in an idle worker; where there is none, in a new one."""
        loads = Counter(list(self._at_work.values()))
        device = min(self._devices, key=lambda device: loads[device])
        pool = self._idle[device].pop() if self._idle[device] else self._pool(device)
        with _shielded():
            future = pool.submit(function, *arguments, **options)
        self._at_work[future] = device
        future.add_done_callback(lambda done: self._freed(pool, done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - inherited
        """End the workers once they have finished what they are at."""
        for pool in self._pools:
            pool.shutdown(wait, cancel_futures=cancel_futures)

    def _pool(self, device: str | None) -> ProcessPoolExecutor:
        _quieten_tracker()
        try:
            pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (device,))
        except OSError as error:
            raise StoreError(f"no worker process can be started ({error.strerror}); is /dev/shm full?") from error
        self._pools.append(pool)
        return pool

    def _freed(self, pool: ProcessPoolExecutor, done: Future[Any]) -> None:
        device = self._at_work.pop(done)
        # A pool whose process has died is left out; asking a cancelled future for its exception would raise.
        if not done.cancelled() and not _broken(done):
            self._idle[device].append(pool)


def _broken(done: Future[Any]) -> bool:
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 - its own module, unlike the pool

    return isinstance(done.exception(), BrokenProcessPool)


def _quieten_tracker() -> None:
    """Start the process that clears up after a kill, such that it does so without a word about leaked semaphores."""
    silent = "ignore:resource_tracker:UserWarning"
    sys.warnoptions.append(silent)  # what a started interpreter is given as -W
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(silent)


def _begin(device: str | None) -> None:
    """Prepare a worker process: its GPU, and its end when the main process dies, however that happens."""
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device  # nothing has looked for GPUs yet
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> NoReturn:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def _shielded() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started meanwhile: the main process ends them. Here it only comes later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ending_workers() -> Iterator[None]:
    """End all worker processes at once when this one is interrupted, asked to end or at its end by an error.

    Raises:
        Terminated: SIGTERM or SIGHUP has come; SIGHUP is not heard under ``nohup``.
    """

    def end(number: int, _: object) -> NoReturn:
        raise Terminated(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    here = threading.current_thread() is threading.main_thread()  # only there may handlers be set
    heard = [number for number in numbers if here and signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heard}
    try:
        yield
    except BaseException:  # the interpreter would wait for the workers before it ends
        for number in [signal.SIGINT, *before]:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave workers behind
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def executor_factory(name: str, workers: int, plugins: Plugins, devices: Sequence[str] = ()) -> Callable[[], Executor]:
    """Return a function that starts an executor; it is called again when the first has broken.

    Args:
        name: ``processes``, or one that a plugin answers to.
        workers: How many cells may run at once.
        plugins: Who is asked for other names.
        devices: GPUs to deal to worker processes, see ``Workers``.

    Raises:
        ConfigError: No plugin knows the name.
    """
    if name == PROCESSES:
        return lambda: Workers(devices)

    def ask() -> Executor:
        answer: Executor | None = plugins.ask("emonet_executor", name=name, workers=workers)
        if answer is None:
            raise ConfigError(
                f"--executor {name}: no plugin offers it{did_you_mean(name, [PROCESSES])}; 'emonet-bench plugins list' "
                "shows what is installed"
            )
        return answer

    first = [ask()]  # at once, so that a mistake is told before the work begins
    return lambda: first.pop() if first else ask()


def worker_count(jobs: str, threads: int, cells: int) -> int:
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
    if jobs == "auto":
        wanted = cores() // threads
    elif jobs.isdecimal() and int(jobs) > 0:
        wanted = int(jobs)
    else:
        raise ConfigError(f"--jobs {jobs}: give a whole number from 1, or auto")
    return max(1, min(wanted, cells))


def cores() -> int:
    """Count the cores that this process may use: a container's where it has a limit."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):  # no such file, or "max"
        quota, period = map(int, Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split())
        count = min(count, max(1, quota // period))
    return count


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


def machine_memory_mb() -> int:
    """Return the memory that this process and its workers may take, in MiB: a container's where it has a limit."""
    if not hasattr(os, "sysconf"):
        return sys.maxsize  # Windows does not tell; there the cores alone count
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # no such file, or "max"
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    return memory // 2**20
