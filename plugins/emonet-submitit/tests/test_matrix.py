"""A matrix whose cells are jobs: the same scores, also where a job is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

MATRIX = """
corpora = ["synthetic-acted"]
architectures = ["cnn"]
strategies = ["scratch"]
seeds = [0, 1]
[training]
epochs = 3
batch_size = 8
window = 0.5
limit = 8
[options.cnn]
num_mels = 16
n_fft = 256
hop = 256
number_of_resnet_blocks = 1
number_of_filters = 4
[executor.submitit]
folder = "jobs"
"""


@pytest.fixture
def matrix(tmp_path):
    (tmp_path / "matrix.toml").write_text(MATRIX)

    def start(results, *arguments):
        command = [
            sys.executable,
            "-m",
            "emonet_bench",
            "run",
            "matrix",
            "matrix.toml",
            "--results",
            results,
            *arguments,
        ]
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    return start


def scores(results):
    records = [json.loads(path.read_text()) for path in results.glob("[!.]*/result.json")]
    return {record["run_id"]: record["scores"] for record in records}


def writers(results):
    """List the processes that write the log of a cell that has started."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            files = [file.readlink() for file in (process / "fd").iterdir()]
            logs = [file for file in files if file.name == "log.txt" and file.is_relative_to(results)]
            if any(" starts\n" in log.read_text() for log in logs):
                yield int(process.name)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_matrix_has_the_same_scores_when_a_job_is_killed_in_the_middle(matrix, slurm, tmp_path):
    alone = matrix("alone", "--jobs", "1")
    said, _ = alone.communicate(timeout=600)
    assert alone.returncode == 0, said
    assert len(scores(tmp_path / "alone")) == 2
    jobs = matrix("jobs-of-slurm", "--executor", "submitit")
    while not (found := list(writers(tmp_path / "jobs-of-slurm"))):
        time.sleep(0.02)
        assert jobs.poll() is None
    os.kill(found[0], signal.SIGKILL)
    said, _ = jobs.communicate(timeout=600)
    assert jobs.returncode == 0, said
    begun = [path.read_text().count(" starts\n") for path in (tmp_path / "jobs-of-slurm").glob("[!.]*/log.txt")]
    assert max(begun) == 2, "the cell of the job that was killed began again in another"
    assert slurm.asked(3)["job-name"] == "emonet-bench"
    assert scores(tmp_path / "jobs-of-slurm") == scores(tmp_path / "alone")
