"""``emonet-bench verify``: one line for what does not fit, and an exit status."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from emonet_bench.runs.files import RunFiles
from tests.report.checking.test_verification import change, command, scored
from tests.written import Results, clips

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path):
    """A run whose record says what its predictions give."""
    rows = clips(right=0.7)
    stated = {"dev": scored(["anger"], ["joy"]), "test": scored([row[2] for row in rows], [row[3] for row in rows])}
    path = Results(tmp_path / "results").add(rows=rows, scores=stated)
    change(path, lambda record: record.update(files=RunFiles(path).hashes()))
    return path


def test_the_command_names_what_is_wrong_and_exits_with_one(run):
    Results(run.parent).add(seed=7, error="boom", run_id="f" * 16)
    done = command("verify", run.parent)
    assert (done.exit_code, done.output) == (0, "1 of 1 runs are as stated; 1 failed runs have no scores.\n")
    change(run, lambda record: record["scores"]["test"].update(uar=0.99))
    done = command("verify", run)
    assert done.exit_code == 1
    assert done.output.startswith(f"{run.name}: uar on test of emo: stated 0.990000, but the predictions give 0.")
    assert done.output.endswith("0 of 1 runs are as stated.\n")


def test_nothing_to_verify_is_a_mistake(tmp_path):
    done = command("verify", tmp_path)
    assert done.exit_code == 2
    assert "no run to verify" in done.stderr


def test_directories_that_cannot_be_read_are_problems(run):
    (run.parent / "empty").mkdir()
    shutil.copytree(run, run.parent / "torn")
    (run.parent / "torn" / "result.json").write_text("{")
    done = command("verify", run.parent)
    assert done.exit_code == 1
    assert "empty: not a run's directory (result.json: No such file or directory)" in done.output
    assert "torn: result.json: damaged" in done.output
    assert done.output.endswith("1 of 3 runs are as stated.\n")


def test_each_problem_is_a_line_of_its_own(run):
    change(run, lambda record: record["files"].update({"model.safetensors": "0" * 64}))
    change(run, lambda record: record["scores"]["test"].update(accuracy=0.99))
    told = command("verify", run).output.splitlines()
    assert [line.partition(": ")[2][:17] for line in told[:-1]] == ["model.safetensors", "accuracy on test "]


def test_a_checkpoint_that_was_not_kept_is_not_counted_as_evaluated(run):
    done = command("verify", run, "--checkpoints")
    first, last = done.output.splitlines()
    assert first.startswith(f"{run.name}: not evaluated again: ")
    assert last == "1 of 1 runs are as stated; 0 checkpoints evaluated again."


@pytest.mark.parametrize("tolerance", ["nan", "inf", "-1", "2", "x"])
def test_a_tolerance_that_is_none_is_refused(run, tolerance):
    done = command("verify", run, "--tolerance", tolerance)
    assert done.exit_code == 2
    assert "--tolerance" in done.stderr


def test_results_that_were_published_without_weights_are_checked_as_far_as_they_go(run):
    (run / "model.safetensors").write_bytes(b"weights")
    change(run, lambda record: record.update(files=RunFiles(run).hashes()))
    (run / "model.safetensors").unlink()
    assert command("verify", run).exit_code == 1
    done = command("verify", run, "--without-weights")
    assert (done.exit_code, done.output) == (0, "1 of 1 runs are as stated.\n")
    done = command("verify", run, "--without-weights", "--checkpoints")
    assert done.exit_code == 2
    assert "leave one of it and --without-weights away" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("results", ["ssl", "transfer"])
def test_the_published_results_are_as_stated(results):
    done = command("verify", ROOT / "benchmarks" / "results" / results, "--without-weights")
    assert done.exit_code == 0
