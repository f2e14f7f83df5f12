"""Where cells run: worker processes on this machine, or whatever a plugin offers."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, NoReturn

from emonet_bench.config import parse
from emonet_bench.console.termination import TERMINATION, heard_by, raise_terminated, restore
from emonet_bench.errors import ConfigError, EmonetBenchError, PluginError, StoreError
from emonet_bench.matrix.cells.worker import WORKER
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import ExecutorKind
from emonet_bench.validation_messages import did_you_mean

PROCESSES = "processes"
"""The name of the executor that runs cells where none is asked for."""


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
    WORKER.keeps = True  # all its cells are of this matrix
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
    here = threading.current_thread() is threading.main_thread()  # only there may handlers be set
    others = set(multiprocessing.active_children())  # of whoever calls us, such as a notebook
    before = heard_by(raise_terminated, TERMINATION)
    if here and (interrupt := signal.getsignal(signal.SIGINT)) is not None:
        before[signal.SIGINT] = interrupt
    try:
        yield
    except BaseException:  # the interpreter would wait for the workers before it ends
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave workers behind
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise
    finally:
        restore(before)


def executor_factory(
    name: str,
    given: Mapping[str, Any],
    workers: int,
    plugins: Plugins,
    devices: Sequence[str] = (),
) -> Callable[[], Executor]:
    """Return a function that starts an executor; it is called again when the first has broken.

    Args:
        name: Its registered name.
        given: Its options.
        workers: How many cells may run at once.
        plugins: Where executors are registered.
        devices: GPUs of this machine that cells may use, as values of ``CUDA_VISIBLE_DEVICES``.

    Raises:
        ConfigError: No plugin knows the name, an option is wrong, or it cannot be started.
    """
    start = _start(name, given, plugins)
    first = [start(workers, devices)]  # at once, so that a mistake is told before the work begins
    return lambda: first.pop() if first else start(workers, devices)


def _start(name: str, given: Mapping[str, Any], plugins: Plugins) -> Callable[[int, Sequence[str]], Executor]:
    if name in plugins.executors:
        kind = plugins.executors[name]
        options = parse(kind.options, given, f"executor.{name}")
        return lambda workers, devices: _started(kind, options, workers, devices, plugins)

    def ask(workers: int, _: Sequence[str]) -> Executor:
        answer: Executor | None = plugins.ask("emonet_executor", name=name, workers=workers)
        if answer is None:
            raise ConfigError(
                f"--executor {name}: no plugin offers it{did_you_mean(name, plugins.executors)}; 'emonet-bench plugins "
                "list' shows what is installed"
            )
        return answer

    return ask


def _started(kind: ExecutorKind, options: Any, workers: int, devices: Sequence[str], plugins: Plugins) -> Executor:
    try:
        executor: Any = kind.start(options, workers, devices)
    except EmonetBenchError:  # it knows whose mistake it is
        raise
    except Exception as error:
        origin = plugins.executors.origin(kind.name)
        raise PluginError(f"plugin {origin}: executor {kind.name} raised {error!r}; mend or uninstall it") from error
    if not all(callable(getattr(executor, name, None)) for name in ("submit", "shutdown")):
        origin = plugins.executors.origin(kind.name)
        raise PluginError(
            f"plugin {origin}: executor {kind.name} must start an executor of concurrent.futures; got {executor!r}"
        )
    return executor  # type: ignore[no-any-return]
