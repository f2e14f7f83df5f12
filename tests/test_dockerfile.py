"""The Dockerfile's steps, walked in a clean environment: what it installs starts, is healthy, serves and stops."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.exported import export_listener

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "examples" / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def steps(name):
    """Return what stands behind an instruction, each time that it stands there."""
    return [found.strip() for found in re.findall(rf"^{name}\s+(.*)$", TEXT, re.MULTILINE)]


def test_what_is_copied_is_there_and_nobody_is_root():
    assert [line.split()[0] for line in steps("COPY")[:3]] == ["LICENSE", "emonet_bench", "predict"]
    assert all((ROOT / name).exists() for name in ("LICENSE", "emonet_bench", "predict/pyproject.toml"))
    assert steps("COPY")[-1].split()[1] in json.loads(steps("CMD")[-1])
    (user,) = steps("USER")
    assert f"--uid {user} " in " ".join(steps("RUN"))
    assert int(user) > 1_000
    assert steps("FROM")[0].startswith(steps("FROM")[1])


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.downstream
@pytest.mark.skipif(os.name == "nt", reason="the image is Linux")
def test_its_steps_make_a_server_that_is_healthy_and_stops_when_it_is_told_to(tmp_path):
    model = export_listener(tmp_path / "model.onnx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    places = {"/venv": tmp_path / "venv", "./predict": ROOT / "predict", "/model.onnx": model, "8000": port}

    def here(text):
        for place, other in places.items():
            text = text.replace(place, str(other))
        return text

    install, _ = steps("RUN")
    subprocess.run(["sh", "-ec", here(install).replace("python -m venv", f"{sys.executable} -m venv")], check=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= dict(pair.split("=") for pair in shlex.split(steps("ENV")[0]))
    command = [here(word) for word in json.loads(steps("ENTRYPOINT")[0]) + json.loads(steps("CMD")[-1])]
    (check,) = re.findall(r"CMD (\[.*\])", steps("HEALTHCHECK")[0])
    healthy = [here(word) for word in json.loads(check)]
    before = set(tmp_path.rglob("*"))
    server = subprocess.Popen([*command, "--port", port], env=environment, cwd="/", stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while subprocess.run(healthy, env=environment, check=False, capture_output=True).returncode:
            assert time.monotonic() < until, "never healthy"
            assert server.poll() is None, server.stderr.read()
        assert set(tmp_path.rglob("*")) == before, "a read-only file system does"
    finally:
        server.send_signal(getattr(signal, steps("STOPSIGNAL")[0]))
        _, told = server.communicate(timeout=60)
    assert server.returncode == 0, told
    assert "Warning: --host 0.0.0.0: requests come from other machines" in told
