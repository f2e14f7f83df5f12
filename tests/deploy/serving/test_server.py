"""The process: sockets, addresses and what uvicorn is told."""

import signal
import socket
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest

pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed")

from emonet_bench.deploy.serving.guard import HEAD_BYTES
from emonet_bench.deploy.serving.protocol import TimedProtocol
from emonet_bench.deploy.serving.server import Server, SharedSocket, address, bind, configuration, is_loopback
from emonet_bench.deploy.serving.settings import Limits, Settings
from emonet_bench.errors import ConfigError


async def app(scope, receive, send):
    """Answer nothing."""


def configured(**limits):
    return configuration(app, Settings((), limits=replace(Limits(), **limits)))


def test_a_socket_listens_where_it_says():
    with bind("127.0.0.1", 0) as bound:
        host, port = bound.getsockname()
        assert address(bound) == f"http://{host}:{port}"
        with socket.create_connection((host, port), timeout=5):
            pass


def test_workers_that_share_a_socket_take_connections_in_turn():
    with bind("127.0.0.1", 0) as bound:
        where, copy = bound.getsockname(), bound.dup()
        with SharedSocket(bound) as first, SharedSocket(copy) as second, ExitStack() as opened:
            for one in (first, second):
                one.setblocking(False)
            for _ in range(4):
                opened.enter_context(socket.create_connection(where, timeout=5))
            taken = []
            for worker in (first, second, first, second):
                with suppress(BlockingIOError):  # asyncio goes on until none waits
                    while True:
                        opened.enter_context(worker.accept()[0])
                        taken.append(worker)
    assert taken == [first, second, first, second]


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_an_address_of_ipv6_stands_in_brackets():
    try:
        bound = bind("::1", 0)
    except ConfigError as error:
        pytest.skip(str(error))
    with bound:
        assert address(bound) == f"http://[::1]:{bound.getsockname()[1]}"


def test_an_address_that_is_taken_or_none_is_one_line():
    with bind("127.0.0.1", 0) as bound:
        taken = bound.getsockname()[1]
        for host, port in (("127.0.0.1", taken), ("203.0.113.7", 0)):
            with pytest.raises(
                ConfigError, match=rf"cannot listen at {host}, port {port} .*; choose another"
            ) as caught:
                bind(host, port)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("port", [-1, 65_536, 70_000])
def test_a_port_that_is_none_is_not_taken_for_another(port):
    with pytest.raises(ConfigError, match=f"^--port: must be from 0 to 65535, is {port}$"):
        bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.org", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host, expected):
    assert is_loopback(host) is expected


def test_heads_are_bounded_and_timed_and_nothing_of_requests_is_logged():
    config = configured(request_seconds=12.4)
    assert config.http is TimedProtocol
    assert config.h11_max_incomplete_event_size == HEAD_BYTES
    assert config.timeout_graceful_shutdown > 12.4, "what runs may finish"
    assert (config.access_log, config.server_header, config.proxy_headers) == (False, False, False)


def test_signals_are_heard_while_it_runs_and_given_back_after():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    server = Server(configured())
    with server.capture_signals():
        signal.raise_signal(signal.SIGTERM)
        assert server.should_exit
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_beside_the_main_thread_signals_are_left_alone():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def run():
        with Server(configured()).capture_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert seen == [before]
