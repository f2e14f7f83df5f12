"""The service: what all endpoints share, and the way from a clip's bytes to scored stretches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from emonet_bench.deploy.serving import metrics
from emonet_bench.deploy.serving.admission import Admission, Held
from emonet_bench.deploy.serving.decode import decode, is_quick
from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.models import ServedModel, open_models
from emonet_bench.deploy.serving.scheduler import Scheduler
from emonet_bench.deploy.stretches import cut_of, mean_over_parts, stretches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emonet_bench.deploy.model import Model
    from emonet_bench.deploy.serving.options import Options
    from emonet_bench.deploy.serving.settings import Settings
    from emonet_bench.deploy.stretches import Cut, Stretch

_AT_ONCE = 4  # stretches of one request that wait for each thread: enough to keep it busy, and others get their turn
_SMALL = 2**18  # bytes that are parsed within a millisecond
_SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Segment:
    """A scored stretch.

    Attributes:
        start: Its first second.
        end: Its last second.
        row: (K,) float32 probabilities.
    """

    start: float
    end: float
    row: NDArray[np.float32]


class Service:
    """Models, threads and counters of one process.

    Args:
        settings: What is served.

    Attributes:
        models: By name, in the order given.
        admission: What requests hold.
        scheduler: What scores.
        requests: Answered requests, by endpoint and status.
        seconds: How long they took.
        audio_seconds: Audio scored, by model.

    Raises:
        ConfigError: As ``open_models`` does.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.limits = settings.limits
        self.models = open_models(settings.models, settings.providers, abstain=settings.abstain)
        self.admission = Admission(settings.limits)
        self.requests = metrics.Counter()
        self.seconds = metrics.Histogram(metrics.SECONDS)
        self.audio_seconds = metrics.Counter()
        self._batches = metrics.Histogram(_SIZES)
        threads = settings.workers
        self.scheduler = Scheduler(threads, settings.limits.batch, self._batches.observe)
        self._most_waiting = _AT_ONCE * threads
        self._decoders = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    def close(self) -> None:
        """End the threads."""
        self.scheduler.close()
        self._decoders.shutdown(wait=False, cancel_futures=True)

    def find(self, name: str | None) -> ServedModel:
        """Find a model; None: the first.

        Raises:
            RequestError: 404; there is none of that name.
        """
        if name is None:
            return next(iter(self.models.values()))
        if name not in self.models:
            raise RequestError(404, f"model: there is no {name[:40]!r}; there are {', '.join(self.models)}")
        return self.models[name]

    async def parsed(self, work: Any, body: bytes, *arguments: Any) -> Any:
        """Take a body apart: a small one at once, for a thread would cost more, and a large one in a thread."""
        return work(body, *arguments) if len(body) <= _SMALL else await self.in_thread(work, body, *arguments)

    async def in_thread(self, work: Any, *arguments: Any) -> Any:
        """Do work that is not the model's in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, work, *arguments)

    async def listen(self, data: bytes, served: ServedModel, options: Options, held: Held) -> list[Segment]:
        """Decode a file's content and score its stretches.

        Raises:
            RequestError: It is too long, or its window makes too many stretches of it.
            AudioError: It is no audio.
            ConfigError: Window or hop make no sense.
        """
        model = served.task(options.task)
        cut = cut_of(options.window, options.hop, model.sampling_rate)
        samples = await self._decoded(data, model.sampling_rate)
        held.take(samples.nbytes)
        self._check_segments(len(samples), cut)
        found = await self._score(model, samples, cut)
        self.audio_seconds.add(len(samples) / model.sampling_rate, model=served.name)
        return found

    async def _decoded(self, data: bytes, rate: int) -> NDArray[np.float32]:
        """Decode an upload: at once where a thread would cost more."""
        work = partial(decode, data, rate, self.limits.audio_seconds)
        return work() if is_quick(data, rate) else await self.in_thread(work)

    def _check_segments(self, length: int, cut: Cut | None) -> None:
        count = 1 if cut is None else length // cut[1]
        if count > self.limits.segments:
            raise RequestError(
                400, f"hop: makes {count} stretches, at most {self.limits.segments} are taken; give a longer one"
            )

    async def _score(self, model: Model, samples: NDArray[np.float32], cut: Cut | None) -> list[Segment]:
        async with aclosing(self.segments(model, stretches([samples], cut, model.longest))) as scored:
            found = [one async for one in scored]
        return found if cut is not None else [_mean(found)]

    async def segments(self, model: Model, pieces: Iterable[Stretch]) -> AsyncGenerator[Segment]:
        """Score stretches in their order, a few of them waiting at a time: others get their turn."""
        waiting: deque[tuple[int, int, asyncio.Future[Any]]] = deque()
        rate = model.sampling_rate
        try:
            for start, piece in pieces:
                if len(waiting) == self._most_waiting:
                    yield await _first(waiting, rate)
                waiting.append((start, len(piece), self.scheduler.score(model, piece)))
            while waiting:
                yield await _first(waiting, rate)
        finally:
            for *_, future in waiting:
                future.cancel()

    def exposition(self) -> str:
        """Write the metrics."""
        return metrics.exposition(
            {
                "emonet_requests_total": ("Answered requests.", self.requests),
                "emonet_request_seconds": ("Seconds from a request's head to its answer.", self.seconds),
                "emonet_audio_seconds_total": ("Seconds of audio that were scored.", self.audio_seconds),
                "emonet_batch_size": ("Stretches in one call of onnxruntime.", self._batches),
                "emonet_queue_length": (
                    "Stretches that wait for a thread.",
                    metrics.Gauge(lambda: len(self.scheduler)),
                ),
                "emonet_requests_in_flight": ("Requests at work.", metrics.Gauge(lambda: self.admission.requests)),
                "emonet_request_bytes": ("Bytes that they hold.", metrics.Gauge(lambda: self.admission.bytes)),
                "emonet_streams": ("Open streams.", metrics.Gauge(lambda: self.admission.streams)),
            }
        )


async def _first(waiting: deque[tuple[int, int, asyncio.Future[Any]]], rate: int) -> Segment:
    row = await waiting[0][2]
    start, length, _ = waiting.popleft()
    return Segment(start / rate, (start + length) / rate, row)


def _mean(parts: Sequence[Segment]) -> Segment:
    """Join the parts of a long clip, each weighted by its seconds."""
    if len(parts) == 1:
        return parts[0]
    row = mean_over_parts([one.row for one in parts], [one.end - one.start for one in parts])
    return Segment(parts[0].start, parts[-1].end, row)


def ranked(labels: Sequence[str], row: NDArray[np.float32], top_k: int | None = None) -> list[dict[str, str | float]]:
    """Pair labels with their probabilities, the most probable first: the schema of audio classification."""
    order = (-row).argsort(kind="stable")[:top_k].tolist()
    return [{"label": labels[index], "score": float(row[index])} for index in order]
