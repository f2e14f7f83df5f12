"""Admission: how many requests, bytes and streams the server holds at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from emonet_bench.deploy.serving.errors import busy

if TYPE_CHECKING:
    from emonet_bench.deploy.serving.settings import Limits


class Held:
    """What one request holds; given back when it ends.

    Args:
        admission: Where it is counted.
    """

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.bytes = 0

    def take(self, count: int) -> None:
        """Take memory.

        Raises:
            RequestError: 503; the server holds enough.
        """
        if self._admission.bytes + count > self._admission.limits.memory_bytes:
            raise busy("no memory is left for another upload")
        self._admission.bytes += count
        self.bytes += count


class Admission:
    """Counts what is held, and turns away what would be too much.

    Args:
        limits: The most of everything.

    Attributes:
        requests: Requests at work.
        streams: Open streams.
        bytes: What the requests hold.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = self.streams = self.bytes = 0

    @contextmanager
    def request(self) -> Iterator[Held]:
        """Hold a request's place.

        Raises:
            RequestError: 503; the queue is full.
        """
        if self.requests >= self.limits.requests:
            raise busy(f"{self.limits.requests} requests are waiting")
        held = Held(self)
        self.requests += 1
        try:
            yield held
        finally:
            self.requests -= 1
            self.bytes -= held.bytes

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Hold a stream's place.

        Raises:
            RequestError: 503; there are too many.
        """
        if self.streams >= self.limits.streams:
            raise busy(f"{self.limits.streams} streams are open", 5)
        self.streams += 1
        try:
            yield
        finally:
            self.streams -= 1
