"""Outputs of ``predict``: what goes wrong with one names it, and nothing half written is left behind."""

import signal
import sys

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy.cli.output import opened
from emonet_bench.deploy.cli.resume import NOTHING
from emonet_bench.errors import ConfigError, StoreError
from tests.deploy.cli.running import emonet, process

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("resume", [False, True])
def test_an_output_that_cannot_be_written_is_named(tmp_path, resume):
    path = tmp_path / "absent" / "out.csv"
    with pytest.raises(StoreError, match=f"^--output {path}: cannot be written"), opened(path, NOTHING, resume=resume):
        pass


def test_a_dash_is_standard_output(model, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = emonet(model, files[0], "--format", "csv", "-o", "-")
    assert done.stdout == emonet(model, files[0], "--format", "csv").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["audio"]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of that kind there")
def test_two_processes_do_not_add_to_one_output(tmp_path):
    path = tmp_path / "out.csv"
    with opened(path, NOTHING, resume=True) as stream:
        stream.write("mine\n")
        stream.flush()
        with (
            pytest.raises(ConfigError, match=r"out\.csv: another process adds to it"),
            opened(path, NOTHING, resume=True),
        ):
            pass
    assert path.read_text() == "mine\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a device that is always full")
def test_a_full_disk_is_one_line_that_names_the_output(model, files):
    with process(model, files[0], "--format", "csv", "-o", "/dev/full", stderr=-1) as predicting:
        told, complaint = predicting.communicate()
    assert (predicting.returncode, told) == (2, b"")
    assert complaint == b"Error: --output /dev/full: cannot be written (No space left on device); free some space\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "status", "line"),
    [(signal.SIGINT, 130, b"Interrupted."), (signal.SIGTERM, 143, b"Terminated.")],
)
def test_a_call_that_is_ended_within_a_long_file_ends_at_once_and_leaves_nothing(model, tmp_path, number, status, line):
    soundfile.write(tmp_path / "long.wav", 0.1 * RNG.standard_normal(16_000 * 600), 16_000)  # scored for minutes
    stretches = ("--window", "0.5", "--hop", "0.001", "--format", "csv")
    arguments = (model, "-", *stretches, "-o", tmp_path / "out.csv")
    with process(*arguments, stderr=-1) as predicting:
        predicting.stdin.write(f"{tmp_path}/absent.wav\n".encode())
        predicting.stdin.flush()
        assert b"absent.wav" in predicting.stderr.readline()  # it is at work
        predicting.stdin.write(f"{tmp_path}/long.wav\n".encode())
        predicting.stdin.flush()
        predicting.send_signal(number)
        _, complaint = predicting.communicate(timeout=60)
    assert (predicting.returncode, complaint.split(b"\n")[-2]) == (status, line)
    assert [path.name for path in tmp_path.iterdir()] == ["long.wav"]
