"""Live audio: a stream ends with its source, or with whoever ends it, and what has come by then is told."""

import signal
import sys
import time

import numpy as np
import pytest

from tests.deploy.cli.running import emonet, process

RNG = np.random.default_rng(0)
RAW = ("--stream", "--encoding", "s16le")


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_stream_that_is_ended_tells_what_has_come(model, tmp_path, number, status):
    samples = RNG.integers(-9_000, 9_000, 2_000).astype("<i2").tobytes()  # a pipe gives so few at once
    options = ("--window", "0.05", "--format", "jsonl")
    whole = emonet(model, *RAW, *options, stdin=samples).stdout
    with process(model, *RAW, *options, stderr=-1) as listening:
        listening.stdin.write(samples + b"\0")  # half a sample, as a pipe may cut it
        listening.stdin.flush()
        first = [listening.stdout.readline() for _ in range(2)]  # it waits for more
        listening.send_signal(number)
        rest, complaint = listening.communicate(timeout=60)
    assert (listening.returncode, complaint) == (status, b"")
    assert b"".join(first) + rest == whole.encode()
    with process(model, *RAW, *options, "-o", tmp_path / "out") as listening:
        listening.stdin.write(samples)
        listening.stdin.flush()
        assert any(_begun(tmp_path) or time.sleep(0.05) for _ in range(1_000))
        listening.send_signal(number)
        listening.communicate(timeout=60)
    assert listening.returncode == status
    assert [*tmp_path.iterdir()] == [tmp_path / "out"]
    assert (tmp_path / "out").read_text() == whole


def _begun(folder):
    return any(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"", "stream: zero-length: no samples; does the program that sends audio run?"),
        (b"\0", "stream: ends within a frame"),
        (np.array([0.1] * 9_000 + [np.nan], "<f4").tobytes(), "stream: holds NaN"),
        (np.full(9_000, 3e4, "<f4").tobytes(), "stream: its floats reach 30000"),
    ],
)
def test_what_is_wrong_with_a_stream_is_one_line_that_names_it(model, given, words):
    done = emonet(model, "--stream", "--encoding", "f32le", "--window", "0.5", stdin=given)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"Error: {words}")
