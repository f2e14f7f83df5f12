"""The scheduler: stretches of all requests and streams wait in one queue; threads score them in batches by length."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from emonet_bench.errors import AudioError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emonet_bench.deploy.model import Model

Made = TypeVar("Made")

ALIKE = 1.25
"""Most by which the longest stretch of a batch exceeds the shortest: the rest is padding, computed for nothing."""

_LOOKED_AT = 64  # waiting stretches among which a batch is sought
_CPU_SECONDS = 4.0  # of audio in a batch on a CPU: beyond, activations leave its cache and a batch is slower than none


@dataclass(eq=False)
class _Waiting:
    """Something that waits for a thread: a stretch for a model, or (``model`` is None) a call."""

    model: Model | None
    samples: Any
    future: asyncio.Future[Any]


class Scheduler:
    """Threads that score what waits, the longest waiting first and with it what is about as long.

    A batch is made of what waits when a thread is free; nothing is held back for it. A thread takes its next batch
    itself: the event loop, busy with other requests, would leave it idle for as long as a batch takes. Public methods
    belong to the thread of the event loop.

    Args:
        threads: Batches at once.
        batch: Most stretches of a batch.
        observe: Called with the size of each batch, by one thread at a time.
    """

    def __init__(self, threads: int, batch: int, observe: Callable[[int], None]) -> None:
        self._batch = batch
        self._observe = observe
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="score")
        self._lock = Lock()  # of the queue
        self._queue: deque[_Waiting] = deque()

    def __len__(self) -> int:
        """Count what waits."""
        return len(self._queue)

    def score(self, model: Model, samples: NDArray[np.float32]) -> asyncio.Future[NDArray[np.float32]]:
        """Have a stretch (S,) at the model's rate scored: probabilities (K,), or AudioError; it is too much for it."""
        return self._enqueue(model, samples)

    def call(self, work: Callable[[], Made]) -> asyncio.Future[Made]:
        """Have any other work done in its turn, alone."""
        return self._enqueue(None, work)

    def close(self) -> None:
        """Drop what waits."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _enqueue(self, model: Model | None, samples: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(model, samples, loop.create_future())
        with self._lock:
            self._queue.append(waiting)
        self._pool.submit(self._work, loop)  # one for each that waits: those whose batch took more find nothing to do
        return waiting.future

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Carry out the next batch in a thread, and hand its results to the loop's, unless it has ended meanwhile."""
        with self._lock:
            batch = self._next_batch()
            if not batch:
                return
            self._observe(len(batch))
        found = _carry_out([(one.model, one.samples) for one in batch])
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_deliver, batch, found)

    def _next_batch(self) -> list[_Waiting]:
        """Take the longest waiting, and of the next ones those that fit to it."""
        while self._queue and self._queue[0].future.done():  # given up: its request ran out of time, or left
            self._queue.popleft()
        if not self._queue:
            return []
        batch = [self._queue.popleft()]
        model = batch[0].model
        if model is not None and self._batch > 1:
            batch += self._fitting(model, len(batch[0].samples))
        return batch

    def _fitting(self, model: Model, first: int) -> list[_Waiting]:
        """Take what may go with a stretch of that length: of the same model, about as long, and no more than fits."""
        room = math.inf if model.provider == "cuda" else _CPU_SECONDS * model.sampling_rate
        shortest = longest = first
        found: list[_Waiting] = []
        for other in islice(self._queue, _LOOKED_AT):
            count = len(found) + 2  # of the batch, with another one
            if count > self._batch or longest * count > room:  # none that is left can fit
                break
            if other.model is not model or other.future.done():
                continue
            low, high = min(shortest, len(other.samples)), max(longest, len(other.samples))
            if high <= ALIKE * low and high * count <= room:
                shortest, longest = low, high
                found.append(other)
        for one in found:
            self._queue.remove(one)
        return found


def _deliver(batch: Sequence[_Waiting], results: Sequence[Any]) -> None:
    """Tell those who still wait."""
    for one, found in zip(batch, results, strict=True):
        if one.future.done():
            continue
        if isinstance(found, BaseException):
            one.future.set_exception(found)
        else:
            one.future.set_result(found)


def _carry_out(batch: Sequence[tuple[Model | None, Any]]) -> list[Any]:
    """Score stretches in one call, or do a call; return what came of each, an error included."""
    model = batch[0][0]
    try:
        return [batch[0][1]()] if model is None else list(model.probabilities([samples for _, samples in batch]))
    except AudioError as error:
        return [error] if len(batch) == 1 else [found for one in batch for found in _carry_out([one])]
    except Exception as error:  # noqa: BLE001 - whoever waits for it is told
        return [error] * len(batch)
