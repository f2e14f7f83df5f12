"""A real MLflow server on this machine, started by the tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress

import pytest
from mlflow import MlflowClient

pytest_plugins = ["emonet_bench.testing"]

MINUTES = 10


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextmanager
def serving(folder, port):
    """Run a server whose data lie in a folder."""
    pytest.importorskip("flask", reason="needs the whole mlflow, for its server: pip install 'emonet-mlflow[test]'")
    command = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("a") as log:
        server = subprocess.Popen(
            [sys.executable, *command, *stores], cwd=folder, env=environment, stdout=log, stderr=log, process_group=0
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)  # its data go with it
            server.wait(30)


def wait_for(url, server):
    started = time.monotonic()
    while time.monotonic() - started < 60 * MINUTES and server.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError("no server")


class Gate:
    """A way to the server that can be shut, as if the server were down, and opened again."""

    def __init__(self, address):
        self._server = ("127.0.0.1", int(address.rpartition(":")[2]))
        self._port, self._open = free_port(), []
        self.address = f"http://127.0.0.1:{self._port}"

    def open(self):
        listening = socket.create_server(("127.0.0.1", self._port))
        self._open.append(listening)
        threading.Thread(target=self._listen, args=(listening,), daemon=True).start()

    def shut(self):
        while self._open:
            way = self._open.pop()
            with suppress(OSError):
                way.shutdown(socket.SHUT_RDWR)  # a thread may be waiting in it
            way.close()

    def _listen(self, listening):
        with suppress(OSError):  # it was shut
            while True:
                client, server = listening.accept()[0], socket.create_connection(self._server)
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, here, there):
        with suppress(OSError):
            while data := here.recv(65_536):
                there.sendall(data)


@pytest.fixture
def gate(address):
    made = Gate(address)
    made.open()
    yield made
    made.shut()


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    port = free_port()
    with serving(tmp_path_factory.mktemp("server"), port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def tracking(address, monkeypatch, request):
    """The server, for this process and those it starts, with an experiment of the test's own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    return address


@pytest.fixture
def logged(address, request):
    """List what the server has of the test's experiment, the earliest first."""
    client = MlflowClient(address)

    def runs(experiment=request.node.name):
        found = client.get_experiment_by_name(experiment)
        return list(client.search_runs([found.experiment_id], order_by=["start_time ASC"])) if found else []

    runs.client = client
    return runs
