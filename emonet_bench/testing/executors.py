"""The contract kit for executors."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from emonet_bench.config import Options, parse
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing.contracts import BrokenError, hold
from emonet_bench.testing.documentation import hold_documented
from emonet_bench.types import ExecutorKind

PATIENCE = 120.0
"""Seconds until what was submitted must have come back."""
WORKERS = 2


@dataclass(frozen=True)
class ExecutorBench:
    """An executor on the bench.

    Attributes:
        start: ``start(workers)`` starts a new one.
        options: Its options model.
    """

    start: Callable[[int], Executor]
    options: type[Options] = Options

    @contextmanager
    def started(self, workers: int = WORKERS) -> Iterator[Executor]:
        """Start an executor and shut it down in the end; one that has failed is not waited for."""
        executor = self.start(workers)
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        executor.shutdown(wait=True, cancel_futures=True)


def check_executor(
    executor: str | ExecutorKind | Callable[[int], Executor],
    options: Mapping[str, Any] | None = None,
    name: str = "executor",
) -> None:
    """Hold an executor to its contracts.

    Args:
        executor: A registered name, the descriptor itself, or a function that starts an executor with so many workers.
        options: Its options; None: the defaults.
        name: What to call a function's executor in a message.

    Raises:
        AssertionError: It breaks one; the message says which, what was seen and where the contract is written.
    """
    if isinstance(executor, str):
        executor = Plugins(corpora=False).executors[executor]
    if isinstance(executor, ExecutorKind):
        bench = bench_of(executor, parse(executor.options, options or {}, executor.name))
        hold("executor", executor.name, map(_in_time, CHECKS), bench)
    else:
        hold("executor", name, map(_in_time, CHECKS), ExecutorBench(executor))


def bench_of(kind: ExecutorKind, options: Options) -> ExecutorBench:
    """Put an executor on the bench."""
    return ExecutorBench(lambda workers: kind.start(options, workers, ()), kind.options)


def options_documented(bench: ExecutorBench) -> None:
    """Options are an ``emonet_bench.config.Options``: each field says what it does."""
    hold_documented(bench.options)


def results_return(bench: ExecutorBench) -> None:
    """``submit(function, ...)`` gives a ``concurrent.futures.Future`` with what it returns, however many there are."""
    with bench.started() as executor:
        futures = [executor.submit(divmod, number, 3) for number in range(2 * WORKERS + 1)]
        for number, future in enumerate(futures):
            if not isinstance(future, Future):
                raise BrokenError(f"submit gave {type(future).__name__}, which is no concurrent.futures.Future")
            if (result := future.result(PATIENCE)) != divmod(number, 3):
                raise BrokenError(f"divmod({number}, 3) gave {result!r}")
        keyword = executor.submit(int, "11", base=2).result(PATIENCE)
        if keyword != int("11", base=2):
            raise BrokenError(f"int('11', base=2) gave {keyword!r}")


def errors_return(bench: ExecutorBench) -> None:
    """What a function raises comes back as its future's exception, of the same type, and costs only that future."""
    with bench.started() as executor:
        good, bad = executor.submit(abs, -1), executor.submit(_fail, "on purpose")
        error = bad.exception(PATIENCE)
        if not isinstance(error, LookupError) or "on purpose" not in str(error):
            raise BrokenError(f"LookupError('on purpose') came back as {error!r}")
        if (result := good.result(PATIENCE)) != 1:
            raise BrokenError(f"abs(-1) gave {result!r} beside a function that raised")
        if (result := executor.submit(abs, -2).result(PATIENCE)) != 2:  # noqa: PLR2004
            raise BrokenError(f"abs(-2) gave {result!r} after a function that raised")


def surroundings_kept(bench: ExecutorBench) -> None:
    """A function runs in the working directory and with the ``EMONET_BENCH_*`` variables of the main process."""
    with bench.started() as executor:
        directory, variables = executor.submit(_surroundings).result(PATIENCE)
    if (here := _surroundings())[0] != directory:
        raise BrokenError(f"the working directory was {directory}; the main process's is {here[0]}")
    if variables != here[1]:
        raise BrokenError(f"the variables were {variables}; the main process has {here[1]}")


def waiting_cancelled(bench: ExecutorBench) -> None:
    """``shutdown(wait=False, cancel_futures=True)`` returns at once; what runs ends, what waits is cancelled."""
    with TemporaryDirectory() as folder, bench.started(workers=1) as executor:
        gate = Path(folder) / "gate"
        futures = [executor.submit(_wait_for, str(gate)) for _ in range(4)]
        started = time.monotonic()
        while not futures[0].running() and not futures[0].done():
            _hold_time(started, "the first of 4 functions never counted as running")
        last_waits = not futures[-1].running()
        executor.shutdown(wait=False, cancel_futures=True)
        ended = [future for future in futures if future.done() and not future.cancelled()]
        gate.touch()
        if ended:
            raise BrokenError("shutdown(wait=False) waited for what was running")
        while not all(future.done() for future in futures):  # wait() knows no future cancelled before it ran
            _hold_time(started, "some of 4 functions were neither finished nor cancelled after shutdown")
        if futures[0].cancelled() or (last_waits and not futures[-1].cancelled()):
            raise BrokenError("the first of 4 functions was cancelled while it ran, or the last ran that still waited")


def closed_after_shutdown(bench: ExecutorBench) -> None:
    """``shutdown()`` waits for what runs; then ``submit`` raises ``RuntimeError``, and a new executor works."""
    for _ in range(2):
        executor = bench.start(WORKERS)
        future = executor.submit(abs, -3)
        executor.shutdown()
        if not future.done() or future.result() != 3:  # noqa: PLR2004
            raise BrokenError("shutdown() returned before what was submitted had finished")
        try:
            executor.submit(abs, -3)
        except RuntimeError:
            continue
        raise BrokenError("submit after shutdown() raised no RuntimeError")


CHECKS = (
    options_documented,
    results_return,
    errors_return,
    surroundings_kept,
    waiting_cancelled,
    closed_after_shutdown,
)
"""In the order in which they help most; each one's docstring is the contract."""


def _in_time(check: Callable[[ExecutorBench], None]) -> Callable[[ExecutorBench], None]:
    """Give a check a deadline: an executor that hangs is reported, not waited for."""

    @wraps(check)
    def held(bench: ExecutorBench) -> None:
        ended: Future[None] = Future()
        Thread(target=_end, args=(ended, check, bench), daemon=True).start()
        try:
            ended.result(2 * PATIENCE)  # what is waited for within a check has half of it
        except TimeoutError:
            if not ended.done():
                raise BrokenError(f"not finished after {2 * PATIENCE:g} seconds; not waited for") from None
            raise BrokenError(f"nothing came back within {PATIENCE:g} seconds") from None

    return held


def _end(ended: Future[None], check: Callable[[ExecutorBench], None], bench: ExecutorBench) -> None:
    try:
        check(bench)
    except BaseException as error:  # noqa: BLE001 - raised where it is waited for
        ended.set_exception(error)
    else:
        ended.set_result(None)


def _fail(message: str) -> None:
    raise LookupError(message)


def _surroundings() -> tuple[str, dict[str, str]]:
    named = {key: value for key, value in os.environ.items() if key.startswith("EMONET_BENCH_")}
    return str(Path.cwd()), named


def _wait_for(gate: str) -> None:
    started = time.monotonic()
    while not Path(gate).exists():
        _hold_time(started, "nobody opened the gate")


def _hold_time(started: float, complaint: str) -> None:
    time.sleep(0.02)
    if time.monotonic() - started > PATIENCE:
        raise BrokenError(complaint)
