"""Servers on loopback, with a port that the system chooses, and clients for them."""

from __future__ import annotations

import io
import logging
import socket
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.serving.settings import Limits, Settings
from tests.export.test_multi_task import TASKS, members
from tests.exported import SIGNAL, export_listener, listener

RATE = 16_000
EXTRA = "the extra 'serve' is not installed: pip install '.[serve]'"


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """An exported network."""
    return export_listener(tmp_path_factory.mktemp("served") / "listener.onnx")


@pytest.fixture(scope="session")
def bank(tmp_path_factory):
    """An exported bank of three tasks."""
    from emonet_bench.export import export_bank

    folder = tmp_path_factory.mktemp("bank")
    export_bank(members(folder, listener(tuple(TASKS.items()))), folder / "bank.onnx", SIGNAL)
    return folder / "bank.onnx"


@pytest.fixture(scope="session")
def predictor(model):
    """The reference: the same file without a server."""
    return Predictor(model, "cpu", threads=1)


@pytest.fixture(scope="session")
def noise():
    """Make noise whose loudness wanders, (S,) float32 on the grid of 16 bits."""

    def made(seconds=1.0, rate=RATE, seed=0):
        random = np.random.default_rng(seed)
        white = random.standard_normal(round(seconds * rate))
        loud = white * np.exp(np.cumsum(random.standard_normal(len(white))) / 100 - 2)
        return (np.round(0.5 * np.tanh(loud) * 32768) / 32768).astype(np.float32)

    return made


@pytest.fixture(scope="session")
def wav():
    """Write samples (S,) or (S, channels) as a file in memory."""

    def written(samples, rate=RATE, form="WAV", subtype="PCM_16"):
        file = io.BytesIO()
        soundfile.write(file, samples, rate, format=form, subtype=subtype)
        return file.getvalue()

    return written


class Running:
    """A server in a thread."""

    def __init__(self, settings):
        from emonet_bench.deploy.serving.app import create_app
        from emonet_bench.deploy.serving.server import Server, address, bind, configuration

        self.socket = bind("127.0.0.1", 0)
        self.url = address(self.socket)
        self.port = self.socket.getsockname()[1]
        self.app = create_app(settings)
        self.service = self.app.service
        self.server = Server(configuration(self.app, settings))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))
        self.thread.start()
        self.until(lambda: self.server.started)

    def until(self, true):
        """Wait until something is so."""
        deadline = time.monotonic() + 20
        while not true():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.005)

    def stop(self):
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()

    def raw(self, data, *, cut=False, timeout=20.0):
        """Send bytes, end there if they are cut, and read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            if cut:
                connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)


@pytest.fixture(scope="session")
def start(model):
    """Start servers; they end with the session."""
    for package in ("starlette", "uvicorn", "python_multipart", "websockets"):
        pytest.importorskip(package, reason=EXTRA)
    running = []

    def started(*models, limits=None, **changes):
        settings = Settings(models or (model,), "cpu", 2, replace(Limits(), **(limits or {})))
        running.append(Running(replace(settings, **changes)))
        return running[-1]

    yield started
    for one in running:
        one.server.should_exit = True  # all of them at once
    for one in running:
        one.stop()


@pytest.fixture(scope="session")
def server(start, model, bank):
    """A server of two files with the limits that users get."""
    return start(model, bank)


@pytest.fixture
def quiet(caplog):
    """Hold the log to hold no traceback and no error."""
    uvicorn = logging.getLogger("uvicorn")  # which passes nothing on
    uvicorn.addHandler(caplog.handler)
    with caplog.at_level(logging.WARNING):
        yield caplog
    uvicorn.removeHandler(caplog.handler)
    assert [one for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR] == []


@pytest.fixture(scope="session")
def opened():
    """Open HTTP clients of a server; they close with the session."""
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    clients = {}

    def client(server, **options):
        key = (server.url, str(options))
        if key not in clients:
            clients[key] = httpx.Client(base_url=server.url, timeout=30, trust_env=False, **options)
        return clients[key]

    yield client
    for one in clients.values():
        one.close()


@pytest.fixture(scope="session")
def client(opened, server):
    """A client of the server with the usual limits."""
    return opened(server)


@pytest.fixture(scope="session")
def connect():
    """Open WebSockets of a server."""
    sync = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")

    def connected(server, **options):
        return sync.connect(server.url.replace("http", "ws") + "/v1/stream", proxy=None, **options)

    return connected
