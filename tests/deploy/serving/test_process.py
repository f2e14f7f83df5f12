"""The command: what it says, whom it listens to, and how it ends; and what importing the server costs."""

import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from tests.deploy.serving.conftest import EXTRA


@pytest.fixture
def process(model):
    for package in ("starlette", "uvicorn", "python_multipart", "websockets"):
        pytest.importorskip(package, reason=EXTRA)
    running = []

    def started(*options):
        command = [sys.executable, "-m", "emonet_bench", "serve", model, "--port", "0", "--jobs", "1", *options]
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        lines = []
        while not (lines and "Serving" in lines[-1]):
            lines.append(running[-1].stderr.readline())
            assert lines[-1], lines
        return running[-1], re.search(r"http://\S+", lines[-1]).group(), lines

    yield started
    for one in running:
        one.kill()
        one.wait()
        one.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_runs_finish(process, number, wav, noise):
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    server, url, lines = process()
    assert lines == [f"Serving listener.onnx at {url}\n"]
    assert url.startswith("http://127.0.0.1:")
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        answers = []
        body = {"files": {"file": wav(noise(300))}, "data": {"window": "0.1"}}
        asking = threading.Thread(target=lambda: answers.append(client.post("/v1/audio/emotions", **body)))
        asking.start()
        deadline = time.monotonic() + 30
        while "emonet_requests_in_flight 1" not in httpx.get(f"{url}/metrics", trust_env=False).text:
            assert time.monotonic() < deadline
        server.send_signal(number)
        asking.join(60)
    assert len(answers[0].json()["segments"]) == 3_000
    assert server.wait(30) == 0
    assert "Traceback" not in server.stderr.read()


@pytest.mark.slow
def test_several_workers_share_the_socket(process):
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    server, url, _ = process("--workers", "2")
    answers = [httpx.get(f"{url}/health", trust_env=False, timeout=60).status_code for _ in range(20)]
    assert answers == [200] * 20
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0


def test_an_address_beyond_this_machine_is_warned_of(process):
    _, _, lines = process("--host", "0.0.0.0")
    assert lines[0] == (
        "Warning: --host 0.0.0.0: requests come from other machines, unencrypted, and anybody who reaches it may use it; "
        "add --api-key-file\n"
    )


def test_two_models_of_one_name_are_one_line(model, tmp_path):
    pytest.importorskip("uvicorn", reason=EXTRA)
    (tmp_path / "listener.onnx").write_bytes(model.read_bytes())
    done = CliRunner().invoke(main, ["serve", str(model), str(tmp_path / "listener.onnx"), "--port", "0"])
    assert (done.exit_code, done.output) == (
        2,
        f"Error: {tmp_path / 'listener.onnx'}: another model is called listener, too; rename one of the files\n",
    )


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        (None, "cannot be read (No such file or directory); give a file of keys, one a line"),
        (b"# none\n\n", "holds no key; write one a line"),
        (b"short\n", "holds a key of fewer than 16 characters; make it longer"),
        (b"\xff" * 20, "cannot be read (not ASCII); give a file of keys, one a line"),
    ],
)
def test_a_file_of_keys_that_is_none_is_one_line(model, tmp_path, keys, error):
    pytest.importorskip("uvicorn", reason=EXTRA)
    file = tmp_path / "keys"
    if keys is not None:
        file.write_bytes(keys)
    done = CliRunner().invoke(main, ["serve", str(model), "--api-key-file", str(file)])
    assert (done.exit_code, done.output) == (2, f"Error: --api-key-file: {file} {error}\n")


@pytest.mark.parametrize(
    ("option", "error"),
    [(["--host", "300.1.1.1"], "cannot listen at"), (["--max-seconds", "-1"], "audio_seconds: must be")],
)
def test_what_cannot_be_is_one_line(model, option, error):
    pytest.importorskip("uvicorn", reason=EXTRA)
    done = CliRunner().invoke(main, ["serve", str(model), *option])
    assert done.exit_code == 2
    assert error in done.output
    assert done.output.count("\n") == 1 + ("Warning" in done.output)


@pytest.mark.parametrize(
    "module", ["emonet_bench.deploy.serving", "emonet_bench.deploy.cli.serve", "emonet_bench.deploy.cli.page"]
)
def test_without_the_extra_its_absence_is_one_line(module, monkeypatch):
    code = (
        f"import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None\n"
        f"import {module}\n"
        "from emonet_bench.deploy import serving\n"
        "try: serving.serve\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(
        r"ConfigError serve: needs the package \w+; pip install h11 python-multipart starlette uvicorn websockets\n",
        done.stdout,
    )


def test_serving_imports_nothing_that_it_does_not_need():
    for package in ("starlette", "uvicorn", "python_multipart", "websockets"):
        pytest.importorskip(package, reason=EXTRA)
    heavy = {
        "torch",
        "torchaudio",
        "pandas",
        "pydantic",
        "pluggy",
        "sklearn",
        "onnx",
        "filelock",
        "platformdirs",
        "rich",
        "jinja2",
    }
    modules = "emonet_bench.deploy.serving.server, emonet_bench.deploy.serving.browser"
    code = f"import sys, {modules}; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
