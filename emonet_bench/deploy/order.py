"""Work done in threads, ahead of who asks for it, with its order kept."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

Given = TypeVar("Given")
Made = TypeVar("Made")

_SORTED = 16  # groups whose members are sorted together
_AHEAD = 16  # things for each thread that are handed out before their turn
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


def ahead(work: Callable[[Given], Made], things: Iterable[Given], threads: int) -> Generator[Made]:
    """Yield what work makes of each thing, in order, while threads are at work on the next ones."""
    pool, most = ThreadPoolExecutor(threads), _AHEAD * threads
    waiting: deque[Future[Made]] = deque()
    try:
        for thing in things:
            waiting.append(pool.submit(work, thing))
            if len(waiting) == most:
                wait([waiting[most // 2]], _PATIENCE)
            while waiting and (waiting[0].done() or len(waiting) == most):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


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
