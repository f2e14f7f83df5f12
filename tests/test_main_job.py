"""`emonet-bench run matrix` as a user types it, in processes of its own where these are the point."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from tests.in_process import cells_in_this_process

TINY = ["--limit", "10", "--set", "training.epochs=2", "--architectures", "cnn,chance", "--strategies", "scratch"]


def emonet_bench(*arguments, **options):
    command = [sys.executable, "-m", "emonet_bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def here(*arguments):
    """Run a command line, and its cells, in this process."""
    with cells_in_this_process():
        return CliRunner().invoke(main, list(map(str, arguments)), prog_name="emonet-bench")


def matrix(results, *arguments):
    return emonet_bench("run", "matrix", "--results", results, *arguments)


def runs(results):
    return {path.name: path for path in Path(results).iterdir() if not path.name.startswith(".")}


def measured(run):
    """Everything in a run's directory that was not read off a clock."""
    record = json.loads((run / "result.json").read_text())
    for key in ("seconds", "peak_memory_mb", "started", "finished"):
        record.pop(key)
    history = (
        [row[:4] for row in csv.reader((run / "history.csv").read_text().splitlines())] if "cnn" in run.name else []
    )
    return record, history, (run / "predictions.csv").read_text(), (run / "model.safetensors").read_bytes()


@pytest.fixture
def interruptible():
    """Let children hear Ctrl-C even where these tests were started in the background, deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    results = tmp_path_factory.mktemp("main-job") / "results"
    done = matrix(results, *TINY, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    return results, done


def test_it_ends_with_the_table_the_results_and_the_next_command(first):
    results, done = first
    assert "UAR on test" in done.stdout
    assert "synthetic" in done.stdout
    *_, place, following = done.stdout.splitlines()
    assert place == f"4 finished. Results: {results}/"
    assert following.startswith(f"Next: emonet-bench export {results}/synthetic-acted-cnn-scratch-s0-")


def test_the_next_command_works_and_its_model_predicts_through_onnxruntime(first, tmp_path, monkeypatch):
    results, done = first
    command = done.stdout.splitlines()[-1].removeprefix("Next: emonet-bench ").split()
    monkeypatch.chdir(tmp_path)
    exported = here(*command)
    assert exported.exit_code == 0, exported.stderr
    clip = next(Path(os.environ["EMONET_BENCH_CACHE_DIR"]).rglob("synthetic/**/*.wav"))
    predicted = here("predict", tmp_path / "model.onnx", clip, "--format", "csv")
    assert predicted.exit_code == 0, predicted.stderr
    (row,) = csv.DictReader(predicted.stdout.splitlines())
    (run,) = [path for name, path in runs(results).items() if name.startswith("synthetic-acted-cnn")]
    assert row["prediction"] in json.loads((run / "result.json").read_text())["labels"]


def test_a_run_is_exported_in_8_bits_beside_its_model(first, tmp_path):
    results, _ = first
    (run,) = [path for name, path in runs(results).items() if name.startswith("synthetic-acted-cnn")]
    exported = here("export", run, "-o", tmp_path / "model.onnx", "--quantize", "int8")
    assert exported.exit_code == 0, exported.stderr
    assert "model.int8.onnx: test UAR" in exported.stdout
    assert (tmp_path / "model.int8.onnx").stat().st_size < (tmp_path / "model.onnx").stat().st_size


def test_what_is_finished_is_not_run_again(first):
    results, _ = first
    before = {name: (path / "result.json").stat().st_mtime_ns for name, path in runs(results).items()}
    again = here("run", "matrix", "--results", results, *TINY)
    assert again.exit_code == 0
    assert again.stdout.count("(on disk already)") == 4
    assert {name: (path / "result.json").stat().st_mtime_ns for name, path in runs(results).items()} == before


def test_two_equal_runs_are_equal_to_the_last_digit_whatever_the_number_of_workers(first, tmp_path):
    results, _ = first
    assert here("run", "matrix", "--results", tmp_path, *TINY, "--jobs", "1").exit_code == 0
    assert runs(tmp_path).keys() == runs(results).keys()
    for name, path in runs(tmp_path).items():
        assert measured(path) == measured(runs(results)[name])


def test_a_failed_cell_is_a_result_the_others_go_on_and_the_status_is_one(tmp_path):
    wrong = ["--corpora", "synthetic-acted", "--set", "training.learning_rate=1e30"]
    done = here("run", "matrix", "--results", tmp_path, *TINY, *wrong)
    assert done.exit_code == 1
    assert "1 finished, 1 failed" in done.stdout
    assert "lower training.learning_rate" in done.stdout
    (failed,) = [path for name, path in runs(tmp_path).items() if "cnn" in name]
    record = json.loads((failed / "result.json").read_text())
    assert record["error"]["type"] == "TrainingError"
    assert "scores" not in record


def test_a_source_that_fails_is_told_with_its_reason(tmp_path):
    wrong = ["--strategies", "last-layer", "--source", "synthetic-calls", "--set", "source_training.learning_rate=1e30"]
    wrong += ["--corpora", "synthetic-acted", "--architectures", "cnn"]
    done = here("run", "matrix", "--results", tmp_path, *TINY, *wrong)
    assert done.exit_code == 1
    *_, reason, _, _ = done.stdout.splitlines()
    assert reason.startswith("failed: synthetic-calls cnn scratch s0: TrainingError: the ")
    assert reason.endswith("lower training.learning_rate")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.toml"], "nowhere.toml: cannot be read"),
        (["--corpora", "synthetic-acte"], "unknown corpus 'synthetic-acte'; did you mean 'synthetic-acted'"),
        (["--set", "training.epoch=1"], "training.epoch: unknown option; did you mean 'epochs'"),
        (["--jobs", "many"], "--jobs many: give a whole number"),
        (["--device", "tpu"], "--device tpu: give auto, cpu, cuda"),
        (["--executor", "nobody"], "--executor nobody: no plugin offers it"),
        (["--corpora", "emodb"], "corpus emodb: no audio"),
    ],
)
def test_a_mistake_is_one_line_and_status_two(tmp_path, monkeypatch, arguments, message):
    monkeypatch.delenv("EMONET_BENCH_CORPORA_DIR", raising=False)
    done = here("run", "matrix", "--results", tmp_path, *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_a_dry_run_prints_the_plan_and_trains_nothing(tmp_path):
    done = here("run", "matrix", "--results", tmp_path / "results", *TINY, "--dry-run")
    assert done.exit_code == 0
    assert done.stdout.count("to do") == 4
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "Interrupted."), (signal.SIGTERM, 143, "Terminated."), (signal.SIGKILL, -9, "")],
)
@pytest.mark.usefixtures("interruptible")
def test_whatever_ends_it_ends_the_workers_with_one_line_and_the_next_call_goes_on(
    tmp_path, first, number, status, said
):
    command = [sys.executable, "-m", "emonet_bench", "run", "matrix", "--results", tmp_path, *TINY]
    process = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not list(tmp_path.glob(".pending/*/log.txt")):
        time.sleep(0.1)
        assert process.poll() is None
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == status
    assert errors.strip() == said
    assert matrix(tmp_path, *TINY).returncode == 0
    for name, path in runs(first[0]).items():
        assert measured(runs(tmp_path)[name]) == measured(path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_that_is_killed_costs_its_cell_a_second_try_and_no_number(tmp_path, first):
    command = [sys.executable, "-m", "emonet_bench", "run", "matrix", "--results", tmp_path, *TINY]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not list(tmp_path.glob(".pending/*/log.txt")):
        time.sleep(0.1)
        assert process.poll() is None
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    for name, path in runs(first[0]).items():
        assert measured(runs(tmp_path)[name]) == measured(path)


def workers_of(main):
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.slow
def test_two_processes_on_one_results_directory_divide_the_work(tmp_path, first):
    command = [sys.executable, "-m", "emonet_bench", "run", "matrix", "--results", tmp_path, *TINY, "--jobs", "1"]
    both = [subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    # A cell may end between a process's look and its worker's start; what counts is below: each is trained once.
    assert 0 < sum(text.count("(on disk already)") for text in said) <= 4
    for name, path in runs(first[0]).items():
        assert measured(runs(tmp_path)[name]) == measured(path)
        assert (runs(tmp_path)[name] / "log.txt").read_text().count(" starts") == 1


@pytest.mark.slow
def test_the_demo_is_clearly_above_chance(tmp_path):
    assert matrix(tmp_path).returncode == 0
    records = [json.loads((path / "result.json").read_text()) for path in runs(tmp_path).values()]
    assert len(records) == 12
    assert all(record["synthetic"] for record in records)
    for record in records:
        if (record["spec"]["architecture"], record["spec"]["strategy"]) == ("cnn", "scratch"):
            assert record["scores"]["test"]["uar"] > 1 / len(record["labels"]) + 0.2
