"""Matrices whose cells are logged while they run in parallel, fail, are interrupted and go on."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import datetime

import pytest
from click.testing import CliRunner
from emonet_mlflow import group

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
"""
FAULTY = """
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.errors import Skipped
from emonet_bench.types import Strategy

def fail(*_): raise LookupError("on purpose")
def skip(*_): raise Skipped("too few speakers")

@hookimpl
def emonet_strategies():
    return [Strategy("failing", Options, fail), Strategy("skipping", Options, skip)]
"""
SLOW = """
import time
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.training.losses import crossentropy
from emonet_bench.types import Loss

def build(options, summary):
    def loss(*batch):
        time.sleep(2)
        return crossentropy(*batch, label_smoothing=0.0)
    return loss

@hookimpl
def emonet_losses():
    return [Loss("slow", Options, build)]
"""
INTERRUPTING = """
import os, signal
from emonet_bench import hookimpl

@hookimpl
def emonet_epoch_finished():
    os.kill(os.getpid(), signal.SIGTERM)
"""
COMMAND = [sys.executable, "-m", "emonet_bench"]


@pytest.fixture
def matrix(tmp_path):
    """Start a matrix in an empty directory."""
    (tmp_path / "matrix.toml").write_text(MATRIX)
    (tmp_path / "faulty.py").write_text(FAULTY)
    (tmp_path / "interrupting.py").write_text(INTERRUPTING)
    (tmp_path / "slow.py").write_text(SLOW)

    def start(*arguments, before=()):
        command = [*COMMAND, *before, "run", "matrix", "matrix.toml", "--jobs", "2", *arguments]
        return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return start


def ended(process, status=0):
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == status, printed + errors
    return errors


def history(client, run, name):
    return {metric.step: metric.value for metric in client.get_metric_history(run.info.run_id, name)}


def test_cells_that_run_at_once_are_logged_each_with_its_own_numbers_and_files(matrix, tracking, logged, tmp_path):
    ended(matrix())
    directories = {path.parent.name: path.parent for path in (tmp_path / "results").glob("[!.]*/result.json")}
    runs = logged()
    assert sorted(run.info.run_name for run in runs) == sorted(directories)
    for run in runs:
        directory = directories[run.info.run_name]
        record = json.loads((directory / "result.json").read_text())
        assert run.info.status == "FINISHED"
        assert run.data.params["seed"] == str(record["spec"]["seed"])
        assert run.data.params["training.epochs"] == "3"
        assert run.data.params["cnn.number_of_filters"] == "4"
        assert run.data.tags["emonet.run_id"] == record["run_id"]
        assert run.data.metrics["test/uar"] == record["scores"]["test"]["uar"]
        assert run.data.metrics["dev/recall/anger"] == record["scores"]["dev"]["recall"]["anger"]
        assert run.data.metrics["parameters/total"] == record["parameters"]["total"]
        rows = list(csv.DictReader((directory / "history.csv").open()))
        for name in ("loss", "dev_uar", "learning_rate"):
            told = history(logged.client, run, name)
            assert told == pytest.approx({int(row["epoch"]): float(row[name]) for row in rows}, abs=1e-6)
        files = {file.path for file in logged.client.list_artifacts(run.info.run_id)}
        assert files == {"result.json", "history.csv", "predictions.csv", "log.txt"}


def test_a_cell_that_fails_or_is_skipped_by_its_worker_ends_as_failed_and_is_begun_anew(matrix, tracking, logged):
    faulty = ("--strategies", "failing,skipping", "--seeds", "0")
    before = ("--plugin", "faulty.py")
    ended(matrix(*faulty, before=before), status=1)
    told = {run.data.tags["emonet.error"].partition(" (raised at ")[0]: run for run in logged()}
    assert {run.info.status for run in told.values()} == {"FAILED"}
    assert set(told) == {"LookupError: on purpose", "Skipped: too few speakers"}
    failed = told["LookupError: on purpose"]
    assert {file.path for file in logged.client.list_artifacts(failed.info.run_id)} == {"result.json", "log.txt"}
    ended(matrix(*faulty, "--retry-failed", before=before), status=1)
    again = [run for run in logged() if run.info.run_name == failed.info.run_name]
    assert len(again) == 2


def test_a_matrix_that_is_interrupted_leaves_killed_runs_and_goes_on_in_them(matrix, tracking, logged, tmp_path):
    slowly = ("--seeds", "0", "--set", "training.loss=slow", "--set", "training.epochs=6")
    ended(matrix(*slowly, before=("--plugin", "slow.py", "--plugin", "interrupting.py")), status=143)
    (interrupted,) = logged()
    assert interrupted.info.status == "KILLED"
    assert "loss" in interrupted.data.metrics
    ended(matrix(*slowly, before=("--plugin", "slow.py")))
    (run,) = logged()
    assert run.info.run_id == interrupted.info.run_id
    assert run.info.status == "FINISHED"
    epochs = [metric.step for metric in logged.client.get_metric_history(run.info.run_id, "loss")]
    assert sorted(epochs) == [1, 2, 3, 4, 5, 6], "each once"


def test_a_server_that_is_down_costs_no_run_and_is_told_later(matrix, tracking, logged, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    errors = ended(matrix())
    assert errors.count("127.0.0.1:9") == 1
    assert "no answer; is the server running? What is missed is sent by 'emonet-bench mlflow log RESULTS'" in errors
    assert "secret" not in errors
    assert len(list((tmp_path / "results").glob("[!.]*/result.json"))) == 2
    assert logged() == []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    send = [*COMMAND, "mlflow", "log", "results"]
    said = [subprocess.run(send, cwd=tmp_path, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert said == ["2 runs sent, 0 were there\n", "0 runs sent, 2 were there\n"]
    for run in logged():
        record = json.loads((tmp_path / "results" / run.info.run_name / "result.json").read_text())
        assert run.info.status == "FINISHED"
        assert run.data.metrics["test/uar"] == record["scores"]["test"]["uar"]
        assert len(history(logged.client, run, "dev_uar")) == 3
        for moment, told in (("started", run.info.start_time), ("finished", run.info.end_time)):
            assert told == 1000 * datetime.fromisoformat(record[moment]).timestamp()


def test_strictly_a_server_that_is_down_stops_the_matrix(matrix, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    errors = ended(matrix(before=("--strict",)), status=2)
    assert "MLFLOW_TRACKING_URI http://127.0.0.1:9: no answer" in errors
    assert "Traceback" not in errors


def test_without_a_server_nothing_is_tracked(matrix, tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert os.environ.get("MLFLOW_TRACKING_URI") is None
    assert ended(matrix("--seeds", "0")) == ""
    assert {path.name for path in tmp_path.iterdir() if path.suffix not in (".py", ".toml")} == {"results"}


def test_an_empty_results_directory_is_refused():
    done = CliRunner().invoke(group, ["log", ""])
    assert done.exit_code == 2
    assert "is empty; name a file or a directory" in " ".join(done.output.split())
