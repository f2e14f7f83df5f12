"""HTTP/1.1 and WebSocket on the wire: uvicorn's protocols, with a clock for heads that come too slowly.

h11 rather than httptools, which would save a sixth of a millisecond of a request's five: it bounds neither heads nor
trailers nor how many requests of one connection wait.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.deploy.serving.guard import HEAD_BYTES, head_too_long
from emonet_bench.deploy.serving.http import error_response

HEAD_SECONDS = 10.0
"""Longest time from a connection, or the first byte of a further request, to the end of the head."""


_LOG = logging.getLogger(__name__)  # none of uvicorn's, whose configuration sets the levels of all below it
_LOG.setLevel(logging.ERROR)  # each request that is no HTTP would be a warning


class TimedProtocol(H11Protocol):
    """A connection that is closed where no whole head comes in time, for which uvicorn itself waits for ever."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _LOG
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to count."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Count on, where a head is not whole yet."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no more."""
        self._stop()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Refuse what is no HTTP, as all else is refused."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:  # else it has been answered
            long = len(self.conn.trailing_data[0]) > HEAD_BYTES
            told = head_too_long() if long else RequestError(400, "request: no HTTP/1.1; let an HTTP library write it")
            response = error_response(told)
            headers = [*response.raw_headers, (b"connection", b"close")]
            reason = HTTPStatus(told.status).phrase.encode()
            head = h11.Response(status_code=told.status, headers=headers, reason=reason)
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _watch(self) -> None:
        # Past an answer, what is still sent of the body is thrown away, but not for ever either.
        waiting = self.conn.their_state is h11.IDLE or self.conn.our_state is h11.DONE
        if not waiting:
            self._stop()
        elif self._clock is None:
            self._clock = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _give_up(self) -> None:
        self._clock = None
        if self.transport.get_protocol() is self:  # else it has become a WebSocket
            self.transport.close()


class StreamProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that may be refused by an answer of HTTP; uvicorn itself logs an error for each."""

    async def send(self, message: Any) -> None:
        """Send a message of the application."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # as far as it will ever be
