"""HTTP on the wire: the clock of a connection, wound by hand."""

import asyncio
import json
import socket

import pytest

pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed")

from uvicorn import Config
from uvicorn.server import ServerState

from emonet_bench.deploy.serving.protocol import HEAD_SECONDS, TimedProtocol


class Transport(asyncio.Transport):
    """A connection without a socket."""

    def __init__(self):
        super().__init__()
        self.protocol, self.closed = None, False

    def get_protocol(self):
        return self.protocol

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def write(self, data):
        """Send nowhere."""


class Clock:
    """Notes what an event loop is to call later, and when."""

    def __init__(self, loop, monkeypatch):
        self.waiting = []
        monkeypatch.setattr(loop, "call_later", self.call_later)

    def call_later(self, seconds, call, *arguments):
        handle = asyncio.TimerHandle(0, call, arguments, asyncio.get_running_loop())
        self.waiting.append((seconds, call, handle))
        return handle

    def ring(self):
        for seconds, call, handle in self.waiting:
            if seconds == HEAD_SECONDS and not handle.cancelled():
                call()


async def nothing(scope, receive, send):
    """Answer nothing."""


def after(monkeypatch, *parts, upgraded=False):
    """Receive bytes, and let the time for a head pass; tell whether the connection was closed."""

    async def received():
        clock = Clock(asyncio.get_running_loop(), monkeypatch)
        protocol = TimedProtocol(config=Config(nothing), server_state=ServerState(), app_state={})
        transport = Transport()
        transport.protocol = protocol
        protocol.connection_made(transport)
        for part in parts:
            protocol.data_received(part)
        if upgraded:
            transport.protocol = object()
        clock.ring()
        closed = transport.closed
        protocol.connection_lost(None)
        clock.ring()  # a clock that is stopped closes nothing
        return closed

    return asyncio.run(received())


HEAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n"


@pytest.mark.parametrize("parts", [(), (b"PO",), (HEAD,), (HEAD[:20], HEAD[20:])])
def test_a_head_that_is_not_whole_in_time_closes_the_connection(monkeypatch, parts):
    assert after(monkeypatch, *parts)


@pytest.mark.parametrize("parts", [(HEAD + b"\r\n",), (HEAD, b"\r\n"), (HEAD + b"\r\nab",)])
def test_with_a_whole_head_the_clock_is_stopped(monkeypatch, parts):
    assert not after(monkeypatch, *parts)


def test_a_connection_that_has_become_another_protocols_is_left_open(monkeypatch):
    assert not after(monkeypatch, upgraded=True)


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (b"no http at all\r\n\r\n", 400, "request: no HTTP/1.1; let an HTTP library write it"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "request: no HTTP/1.1"),
        (b"GET /" + b"x" * 2**14, 431, "head: longer than 16384 bytes"),
    ],
)
def test_what_is_no_http_is_told_in_one_line_and_not_in_the_log(server, quiet, sent, status, message):
    head, _, body = server.raw(sent).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["error"].startswith(message)
    assert quiet.records == []


def test_what_is_no_http_behind_an_answer_closes_the_connection_without_a_word_in_the_log(server, quiet):
    head = b"POST /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 404 ")
        connection.sendall(b"no chunk\r\n")
        while connection.recv(2**16):
            pass
    assert quiet.records == []
