"""The ordered pool: work done in threads, ahead of who asks for it, with its order kept."""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, TypeVar

from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Given = TypeVar("Given")
Made = TypeVar("Made")

_SORTED = 16  # groups whose members are sorted together
AHEAD = 32
"""Things for each thread that are handed out before their turn."""

_PATIENCE = 0.1  # seconds: who asks looks seldom, for each look takes a turn from the threads


def grouped(things: Iterable[Given], size: int, key: Callable[[Given], float]) -> Iterator[list[tuple[int, Given]]]:
    """Number things and put them into groups of ``size`` that are alike by ``key``.

    >>> list(grouped("adbc", 2, ord))
    [[(0, 'a'), (2, 'b')], [(3, 'c'), (1, 'd')]]
    """
    numbered = enumerate(things)
    while block := list(islice(numbered, size * _SORTED if size > 1 else 1)):
        if size > 1:
            block.sort(key=lambda one: key(one[1]))
        yield from (block[first : first + size] for first in range(0, len(block), size))


class Threads:
    """A fixed number of threads for all callers, started when they are first needed, anew after a fork.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def pool(self) -> ThreadPoolExecutor:
        """Return them; a forked child has lost its parent's and gets its own."""
        if self._process != os.getpid():
            self._lock = threading.Lock()
            self._pool, self._process = None, os.getpid()
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(self.count)
            return self._pool


class OrderedPool:
    """A caller's share of some threads; on leaving, what they have not begun of it is dropped, and the rest ends.

    Args:
        threads: Shared with other callers.
    """

    def __init__(self, threads: Threads) -> None:
        self.threads = threads.count
        self._pool = threads.pool()
        self._waiting: deque[Future[Any]] = deque()
        self._left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        wait([future for future in self._waiting if not future.cancel()])

    def prefetch(self, work: Callable[[Given], Made], things: Iterable[Given]) -> Iterator[Made]:
        """Yield what work makes of each thing, in order, while threads are at work on the next ones.

        Who asks is woken for several things at once: each time takes a core and Python's lock from the threads.
        """
        waiting: deque[Future[Made]] = self._waiting
        most = AHEAD * self.threads
        for thing in things:
            waiting.append(self._submitted(work, thing))
            if len(waiting) == most:
                wait([waiting[most // 2]], _PATIENCE)
            while waiting and (waiting[0].done() or len(waiting) == most):
                yield waiting.popleft().result()
        while waiting:
            wait([waiting[0], waiting[len(waiting) // 2]], _PATIENCE)
            while waiting and waiting[0].done():
                yield waiting.popleft().result()

    def together(self, work: Callable[[Given], Made], things: Iterable[Given]) -> list[Made]:
        """Return what work makes of each thing, in order: the calling thread does it, and idle ones help.

        Things are made, one at a time, when a thread is free for them.

        Raises:
            CancelledError: The pool was left meanwhile, so nobody waits for what is to come.
        """
        things = self._wanted(things)
        if self.threads == 1:
            return [work(thing) for thing in things]
        numbered = enumerate(things)
        first = deque(islice(numbered, self.threads))
        if len(first) == 1:  # most clips are one stretch
            return [work(thing) for _, thing in first]
        made: dict[int, Made] = {}
        turn = threading.Lock()

        def following() -> tuple[int, Given] | None:
            with turn:
                return first.popleft() if first else next(numbered, None)

        def take() -> None:
            while taken := following():
                number, thing = taken
                made[number] = work(thing)

        helpers = [self._submitted(take) for _ in range(len(first) - 1)]
        take()
        for helper in helpers:
            if not helper.cancel():  # it has begun, so it comes to an end
                helper.result()
        return [made[number] for number in range(len(made))]

    def _submitted(self, work: Callable[..., Made], *given: Any) -> Future[Made]:
        """Hand work to the threads.

        Raises:
            ConfigError: The system starts no more of them.
        """
        try:
            return self._pool.submit(work, *given)
        except RuntimeError as error:
            if "start new thread" not in str(error):
                raise
            raise ConfigError(f"threads: the system does not start {self.threads}; ask for fewer (--jobs)") from error

    def _wanted(self, things: Iterable[Given]) -> Iterator[Given]:
        for thing in things:
            if self._left:
                raise CancelledError
            yield thing


def in_order(groups: Iterable[Iterable[tuple[int, Made]]]) -> Iterator[Made]:
    """Put numbered things back into their order.

    >>> list(in_order([[(0, 'a'), (2, 'b')], [(3, 'c'), (1, 'd')]]))
    ['a', 'd', 'b', 'c']
    """
    early: dict[int, Made] = {}
    number = 0
    for group in groups:
        early.update(group)
        while number in early:
            yield early.pop(number)
            number += 1
