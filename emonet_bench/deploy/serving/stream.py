"""WebSocket streams: PCM in, a score for each window as soon as it is known, a summary at the end.

The client's first message is JSON (``encoding``, ``sampling_rate``, ``channels``, ``window``, ``hop``, ``model``,
``task``, ``top_k``, ``api_key``); then come binary messages of interleaved PCM and, at the end, ``{"type": "end"}``. A
client that sends faster than the server scores is not read meanwhile, so that TCP holds it back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from emonet_bench.deploy.serving.decode import check_format
from emonet_bench.deploy.serving.errors import RequestError, as_request_error
from emonet_bench.deploy.serving.http import segment_json
from emonet_bench.deploy.serving.options import Options, parse_options
from emonet_bench.deploy.serving.service import Segment, Service
from emonet_bench.deploy.stream import Stream
from emonet_bench.deploy.stretches import LONGEST, cut_of
from emonet_bench.errors import EmonetBenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from emonet_bench.deploy.model import Model
    from emonet_bench.deploy.serving.models import ServedModel
    from emonet_bench.deploy.stretches import Cut

MESSAGE_BYTES = 2**20
"""Longest message of a client."""

_FORMATS: Mapping[str, tuple[str, float]] = {"s16le": ("<i2", 2.0**-15), "f32le": ("<f4", 1.0)}
_OWN = ("encoding", "sampling_rate", "channels", "api_key")
_START_SECONDS = 10.0  # until the first message
_WINDOW = 1.0  # seconds, where the client names none
_SHORTEST_HOP = 0.01  # seconds: one small message would else make a million windows
_MOST_OVERLAP = 100  # windows that hear the same moment
_LARGE = 2**16  # bytes of a message that is resampled in a thread
_CLOSES = {503: 1013, 500: 1011, 404: 1008, 401: 1008, 408: 1008, 413: 1009}  # RFC 6455: else 1007, unusable data


@dataclass(frozen=True)
class Start:
    """The first message, read.

    Attributes:
        options: What is to be done.
        encoding: ``s16le`` or ``f32le``.
        sampling_rate: Of what will come.
        channels: Interleaved.
        key: API key, where the client sent it here: a browser cannot send it in a header.
    """

    options: Options
    encoding: str
    sampling_rate: int
    channels: int
    key: str

    def samples(self, data: bytes) -> NDArray[np.float32]:
        """Turn a message into (channels, S) float32.

        Raises:
            RequestError: It ends within a sample.
        """
        kind, scale = _FORMATS[self.encoding]
        if len(data) % (np.dtype(kind).itemsize * self.channels):
            raise RequestError(400, "audio: a message ends within a sample; send whole ones of all channels")
        frames = np.frombuffer(data, kind).reshape(-1, self.channels)
        samples: NDArray[np.float32] = np.multiply(frames.T, np.float32(scale), dtype=np.float32)
        return samples


def parse_start(text: str, rate: int) -> Start:
    """Read the first message.

    Args:
        text: The message.
        rate: Hz, where it names none.

    Raises:
        EmonetBenchError: It makes no sense.
    """
    try:
        given = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise RequestError(400, "start: the first message must be a JSON object") from error
    own = {name: given.pop(name, None) for name in _OWN}
    given.pop("type", None)
    encoding = own["encoding"] or "s16le"
    if encoding not in _FORMATS:
        raise RequestError(400, f"encoding: {str(encoding)[:40]!r} is not one of {', '.join(_FORMATS)}")
    sampling_rate, channels = own["sampling_rate"], own["channels"]
    sampling_rate, channels = rate if sampling_rate is None else sampling_rate, 1 if channels is None else channels
    if type(sampling_rate) is not int or type(channels) is not int:
        raise RequestError(400, "sampling_rate, channels: must be whole numbers")
    check_format(sampling_rate, channels)
    options = parse_options({"window": _WINDOW, **given})
    return Start(options, encoding, sampling_rate, channels, str(own["api_key"] or ""))


class Listener:
    """One stream: the audio that came, and what was found in it.

    Args:
        service: What scores.
        served: The model.
        start: The first message.
    """

    def __init__(self, service: Service, served: ServedModel, start: Start) -> None:
        self._service = service
        self._served = served
        self._start = start
        self._model: Model = served.task(start.options.task)
        cut = _cut(start.options, self._model.sampling_rate)
        self._stream = Stream(_keep, cut, (start.sampling_rate, self._model.sampling_rate))
        self._frames = 0
        self._count = 0
        self._sum = np.zeros(len(self._model.labels))

    async def push(self, data: bytes) -> AsyncGenerator[dict[str, Any]]:
        """Take a message of audio; return what tells the scores of the windows that it completes, one by one.

        Raises:
            EmonetBenchError: It is no audio, or too much.
        """
        samples = self._start.samples(data)
        self._frames += samples.shape[1]
        if self._frames > self._service.limits.stream_seconds * self._start.sampling_rate:
            raise RequestError(
                413, f"audio: a stream lasts at most {self._service.limits.stream_seconds:g} s; open another"
            )
        if len(data) > _LARGE:
            return self._scored(await self._service.in_thread(self._stream.push, samples))
        return self._scored(self._stream.push(samples))

    def finish(self) -> AsyncGenerator[dict[str, Any]]:
        """End the stream; return what tells the scores of its rest."""
        return self._scored(self._stream.finish())

    def summary(self) -> dict[str, Any]:
        """Tell what was heard: the mean over all windows."""
        seconds = self._frames / self._start.sampling_rate
        told: dict[str, Any] = {
            "type": "summary",
            "seconds": seconds,
            "segments": self._count,
            "label": None,
            "scores": [],
        }
        if self._count:
            told |= self._json(Segment(0.0, seconds, (self._sum / self._count).astype(np.float32)))
        return told

    async def _scored(self, pieces: Iterable[Any]) -> AsyncGenerator[dict[str, Any]]:
        async with aclosing(self._service.segments(self._model, pieces)) as segments:
            async for segment in segments:
                self._count += 1
                self._sum += segment.row
                self._service.audio_seconds.add(segment.end - segment.start, model=self._served.name)
                yield {"type": "scores", **self._json(segment)}

    def _json(self, segment: Segment) -> dict[str, Any]:
        return segment_json(self._model.labels, segment, self._start.options.top_k, self._served.threshold)


def _cut(options: Options, rate: int) -> Cut:
    """Cut a stream's audio, within what a server can hold and score of it.

    Raises:
        EmonetBenchError: Windows are too long, or follow each other too closely.
    """
    cut = cut_of(options.window, options.hop, rate)
    assert cut is not None
    window, hop = (samples / rate for samples in cut)
    if window > LONGEST:
        raise RequestError(400, f"window: a stream's is at most {LONGEST:g} s, is {window:g} s")
    if hop < max(_SHORTEST_HOP, window / _MOST_OVERLAP):
        least = f"{_SHORTEST_HOP:g} s and a {_MOST_OVERLAP}th of its window"
        raise RequestError(400, f"hop: a stream's is at least {least}, is {hop:g} s")
    return cut


def _keep(start: int, samples: NDArray[np.float32]) -> Any:
    """Stand where ``Stream`` scores: stretches are scored together with those of others."""
    return start, samples


class Streams:
    """The endpoint ``/v1/stream``.

    Args:
        service: What scores.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def stream(self, socket: WebSocket) -> None:
        """Serve one client from its first message to its last."""
        await socket.accept()
        try:
            with self._service.admission.stream():
                await self._serve(socket)
        except WebSocketDisconnect:
            status = 499
        except EmonetBenchError as error:
            status = as_request_error(error).status
            await _refuse(socket, as_request_error(error))
        else:
            status = 101
        self._service.requests.add(endpoint="/v1/stream", status=str(status))

    async def _serve(self, socket: WebSocket) -> None:
        message = await _receive(socket, _START_SECONDS)
        if "text" not in message:
            raise RequestError(400, "start: the first message must be JSON, not audio")
        start = parse_start(message["text"], self._service.find(None).model.sampling_rate)
        socket.scope["state"]["check_key"](start.key)
        served = self._service.find(start.options.model)
        listener = Listener(self._service, served, start)
        labels = served.task(start.options.task).labels
        await socket.send_json({"type": "ready", "model": served.name, "task": start.options.task, "labels": labels})
        while (data := await self._audio(socket)) is not None:
            await self._send_all(socket, await listener.push(data))
        await self._send_all(socket, listener.finish())
        await self._send(socket, listener.summary())
        await socket.close(1000)

    async def _audio(self, socket: WebSocket) -> bytes | None:
        """Wait for audio; None: the client has ended it."""
        message = await _receive(socket, self._service.limits.idle_seconds)
        if message.get("bytes") is not None:
            data: bytes = message["bytes"]
            return data
        if message["text"].replace(" ", "") == '{"type":"end"}':
            return None
        raise RequestError(400, 'stream: send audio in binary messages, and {"type": "end"} at its end')

    async def _send_all(self, socket: WebSocket, messages: AsyncGenerator[Mapping[str, Any]]) -> None:
        async with aclosing(messages):
            async for told in messages:
                await self._send(socket, told)

    async def _send(self, socket: WebSocket, told: Mapping[str, Any]) -> None:
        """Send a message to a client that reads.

        Raises:
            WebSocketDisconnect: It has not read for so long that it is given up.
        """
        try:
            async with asyncio.timeout(self._service.limits.idle_seconds):
                await socket.send_json(told)
        except (TimeoutError, RuntimeError) as error:
            raise WebSocketDisconnect from error


async def _receive(socket: WebSocket, seconds: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(seconds):
            message = await socket.receive()
    except TimeoutError as error:
        raise RequestError(408, f"stream: nothing came for {seconds:g} s; send silence where nobody speaks") from error
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    return {name: value for name, value in message.items() if value is not None}


async def _refuse(socket: WebSocket, error: RequestError) -> None:
    """Say what is wrong, and close."""
    try:
        async with asyncio.timeout(1):
            await socket.send_json({"type": "error", "status": error.status, "message": error.message})
            await socket.close(_CLOSES.get(error.status, 1007))
    except (TimeoutError, RuntimeError, WebSocketDisconnect):
        return  # it has left
