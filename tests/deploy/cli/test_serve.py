"""``emonet-predict serve``: how its options become settings, and when it warns."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from emonet_bench.deploy import serving
from emonet_bench.deploy.cli import main
from emonet_bench.deploy.serving import Limits, Settings

pytest.importorskip("uvicorn", reason="the extra 'serve' is not installed: pip install '.[serve]'")


@pytest.fixture
def serve(monkeypatch):
    """Run the command without a server: what it would have been started with, and what was said."""
    seen = []

    def started(settings, host, port, *, workers, started):
        started(f"http://{host}:{port}")
        seen.append((settings, host, port, workers))

    monkeypatch.setattr(serving, "serve", started)

    def run(*arguments):
        done = CliRunner().invoke(main, ["serve", *map(str, arguments)], prog_name="emonet-predict")
        return (seen.pop() if seen else None), done

    return run


def test_defaults_are_those_of_the_library_on_this_machine_alone(serve):
    (settings, host, port, workers), done = serve("a.onnx", "b.onnx")
    assert settings == Settings((Path("a.onnx"), Path("b.onnx")), hosts=settings.hosts)
    assert (host, port, workers) == ("127.0.0.1", 8000, 1)
    assert "localhost" in settings.hosts
    assert done.stderr == "Serving a.onnx, b.onnx at http://127.0.0.1:8000\n"


def test_each_limit_has_a_flag(serve):
    flags = {
        "--max-body": ("body_bytes", 1), "--max-seconds": ("audio_seconds", 2.5), "--max-requests": ("requests", 3),
        "--max-streams": ("streams", 4), "--max-stream-seconds": ("stream_seconds", 5.5), "--max-batch": ("batch", 6),
        "--timeout": ("request_seconds", 7.5), "--idle": ("idle_seconds", 8.5),
    }  # fmt: skip
    given = [word for flag, (_, value) in flags.items() for word in (flag, value)]
    (settings, *_), _ = serve("m.onnx", *given)
    assert asdict(settings.limits) == {**asdict(Limits()), **dict(flags.values())}


def test_beyond_this_machine_it_warns_and_names_are_only_those_allowed(serve, tmp_path):
    (settings, *_), done = serve("m.onnx", "--host", "0.0.0.0")
    assert settings.hosts == ()
    assert "anybody who reaches it may use it; add --api-key-file" in done.stderr
    (tmp_path / "keys").write_text("a key of sixteen characters\n")
    (settings, *_), done = serve(
        "m.onnx", "--host", "0.0.0.0", "--api-key-file", tmp_path / "keys", "--allow-host", "me"
    )
    assert settings.keys == ("a key of sixteen characters",)
    assert settings.hosts[0] == "me"
    assert "localhost" in settings.hosts
    assert "each must bring a key" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--max-seconds", "nan"), "audio_seconds: must be more than 0, is nan"),
        (("--idle", "0"), "idle_seconds: must be more than 0"),
        (("--port", "70000"), "70000"),
        (("--providers", "tpu"), "'tpu' is not one of"),
        (("--api-key-file", "absent"), "--api-key-file: absent cannot be read"),
    ],
)
def test_what_cannot_be_is_one_line_and_no_server(serve, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    started, done = serve("m.onnx", *arguments)
    assert started is None
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert words in done.stderr
