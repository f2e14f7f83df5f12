"""The process: uvicorn on a socket, ended gracefully by SIGTERM, alone or as several workers."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from multiprocessing.connection import wait
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from emonet_bench.deploy.serving.app import create_app
from emonet_bench.deploy.serving.guard import HEAD_BYTES
from emonet_bench.deploy.serving.protocol import StreamProtocol, TimedProtocol
from emonet_bench.deploy.serving.settings import Settings
from emonet_bench.deploy.serving.stream import MESSAGE_BYTES
from emonet_bench.errors import ConfigError, EmonetBenchError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""Names under which a server on loopback answers."""

_BACKLOG = 1024
_LAST_PORT = 2**16 - 1
_LOOK_SECONDS = 0.5  # between looks for a signal
_CONNECTIONS = 1000  # at once, idle ones included; each is a file descriptor


class Server(uvicorn.Server):
    """uvicorn's server; SIGTERM and SIGINT let it finish what runs, and it then returns rather than dies of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear signals while it runs."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        with _signals(self.handle_exit):
            yield


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


class SharedSocket(socket.socket):
    """A listening socket that several workers share: each takes one connection at a time, so that all get some.

    asyncio takes as many as wait, and of several that come together the first worker would get all.

    Args:
        bound: The socket; it is this one from now on.
    """

    def __init__(self, bound: socket.socket) -> None:
        super().__init__(fileno=bound.detach())
        self._taken = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Take a connection; every other time, say that none waits."""
        self._taken = not self._taken
        if not self._taken:
            raise BlockingIOError
        return super().accept()


def serve(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    workers: int = 1,
    started: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until a signal comes.

    Args:
        settings: What is served.
        host: Address to listen at.
        port: Port; 0: any that is free.
        workers: Processes; they share the socket and the files, and nothing else.
        started: Called with the address once the models are open and the socket takes connections.

    Raises:
        ConfigError: A model cannot be opened, or the address is taken.
        EmonetBenchError: A worker has died.
    """
    with bind(host, port) as bound:
        app = create_app(settings)  # with several workers for its errors alone: they are said once, here
        started(address(bound))
        if workers == 1:
            run_app(app, settings, bound)
        else:
            _supervise(settings, bound, workers)


def run_app(app: ASGIApp, settings: Settings, bound: socket.socket) -> None:
    """Serve an application in this process until a signal comes."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every form that is damaged
    Server(configuration(app, settings)).run([bound])


def _work(settings: Settings, bound: socket.socket) -> None:
    run_app(create_app(settings), settings, SharedSocket(bound))


def _supervise(settings: Settings, bound: socket.socket, count: int) -> None:
    """Run worker processes until a signal comes, and let them finish what runs.

    Raises:
        EmonetBenchError: One has died; the others have been ended.
    """
    context = multiprocessing.get_context("spawn")  # onnxruntime's threads do not survive a fork
    workers = [context.Process(target=_work, args=(settings, bound)) for _ in range(count)]
    stopped: list[int] = []
    with _signals(lambda number, _: stopped.append(number)):
        for worker in workers:
            worker.start()
        while not stopped and all(worker.is_alive() for worker in workers):
            wait([worker.sentinel for worker in workers], _LOOK_SECONDS)
        dead = [worker.exitcode for worker in workers if not worker.is_alive()]
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
    if not stopped:
        raise EmonetBenchError(f"serve: a worker has died with status {dead[0]}; start the server again")


def configuration(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Configure uvicorn: no compressed WebSocket messages, and no log of requests, nor of what is no HTTP."""
    return uvicorn.Config(
        app,
        http=TimedProtocol,
        ws=StreamProtocol,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="on",
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEAD_BYTES,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=round(settings.limits.request_seconds) + 1,
        backlog=_BACKLOG,
    )


def bind(host: str, port: int) -> socket.socket:
    """Bind a listening socket.

    Raises:
        ConfigError: The address is taken, or none of this machine's.
    """
    if not 0 <= port <= _LAST_PORT:  # getaddrinfo would take it modulo 2**16
        raise ConfigError(f"--port: must be from 0 to {_LAST_PORT}, is {port}")
    bound = None
    try:
        family, kind, proto, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, proto)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
        bound.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        if bound is not None:
            bound.close()
        raise ConfigError(f"--host, --port: cannot listen at {host}, port {port} ({error}); choose another") from error
    bound.setblocking(False)  # noqa: FBT003 - its own name
    return bound


def address(bound: socket.socket) -> str:
    """Tell where a socket listens."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
