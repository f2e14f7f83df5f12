"""Calls as jobs: of this machine by submitit's local executor, and of SLURM by a stand-in of its commands."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from emonet_submitit import SubmititOptions
from emonet_submitit import executor as executor_module
from emonet_submitit import job as job_module
from emonet_submitit.executor import SubmititExecutor
from emonet_submitit.job import JobError

from emonet_bench.config import Training
from emonet_bench.errors import ConfigError

PATIENCE = 120


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start executors whose jobs are to have ended when the test does."""
    monkeypatch.setitem(job_module._GRACE_SECONDS, "slurm", 1.0)
    monkeypatch.setattr(executor_module, "_ASK_SECONDS", 1.0)
    here = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(here))  # jobs import what they call from this module
    made = []

    def starting(**options):
        made.append(SubmititExecutor(SubmititOptions(folder=tmp_path / "jobs", **options)))
        return made[-1]

    yield starting
    for executor in made:
        executor.shutdown(cancel_futures=True)


def job(training):
    return SimpleNamespace(cell=SimpleNamespace(spec=SimpleNamespace(training=training)))


def wait_until(condition):
    started = time.monotonic()
    while not condition():
        time.sleep(0.05)
        assert time.monotonic() - started < PATIENCE


def hold_until(file):
    """Wait for a file; whatever is raised meanwhile counts as a result, as in a cell."""
    try:
        with file.with_suffix(".begun").open("a") as begun:
            begun.write(f"{os.getpid()}\n")
        wait_until(file.exists)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as a cell does
        return repr(error)
    return "done"


def begun(file):
    """List the processes that have begun."""
    file = file.with_suffix(".begun")
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_the_executor_keeps_its_contracts(check_executor, tmp_path):
    check_executor("submitit", {"cluster": "local", "folder": str(tmp_path / "jobs")})


def test_jobs_of_slurm_return_values_and_errors_and_leave_nothing_behind(start, slurm, tmp_path):
    executor = start()
    good, bad = executor.submit(divmod, 7, 2), executor.submit(divmod, 7, 0)
    assert good.result(PATIENCE) == (3, 1)
    assert isinstance(bad.exception(PATIENCE), ZeroDivisionError)
    wait_until(lambda: not list((tmp_path / "jobs").iterdir()))


def test_sbatch_is_asked_for_what_the_cell_and_the_options_say(start, slurm):
    slurm.hold()
    sbatch = {"constraint": "a100", "mail-type": "END"}
    executor = start(partition="gpu", account="emotion", time=90, memory=6.5, setup=["module load cuda"], sbatch=sbatch)
    executor.submit(print, job(Training(threads=4, device="cuda")))
    executor.submit(print, job(Training(threads=2, device="cpu")))
    first, second = slurm.asked(1), slurm.asked(2)
    assert first["partition"] == "gpu"
    assert first["account"] == "emotion"
    assert first["time"] == "90"
    assert first["mem"] == "6656MB"
    assert first["cpus-per-task"] == "4"
    assert first["gpus-per-node"] == "1"
    assert first["constraint"] == "a100"
    assert first["mail-type"] == "END"
    assert "module load cuda\n" in (slurm.jobs / "1.sh").read_text()
    assert second["cpus-per-task"] == "2"
    assert "gpus-per-node" not in second
    start(gpus=2).submit(print, job(Training(threads=1, device="cpu")))
    assert slurm.asked(3)["gpus-per-node"] == "2"


def test_the_queue_holds_many_jobs_and_this_machine_as_many_as_its_cores_carry(start, slurm):
    assert start().capacity(4, "cuda") == 100
    assert start(cluster="local").capacity(2, "cpu") == max(1, os.cpu_count() // 2)


def test_a_job_that_slurm_refuses_is_one_line(start, slurm, capfd):
    slurm.refuse()
    with pytest.raises(
        ConfigError, match=r"SLURM refuses the job \(sbatch: error: invalid partition specified: nowhere\)"
    ):
        start(partition="nowhere").submit(abs, -1)
    assert capfd.readouterr().err == ""


def test_without_slurm_and_without_a_folder_it_does_not_start(start, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert shutil.which("srun") is None
    with pytest.raises(ConfigError, match="no SLURM here"):
        start()
    (tmp_path / "jobs").rmdir()
    (tmp_path / "jobs").write_text("a file")
    with pytest.raises(ConfigError, match=r"executor\.submitit\.folder .*jobs: File exists; name another"):
        start(cluster="local")


@pytest.mark.parametrize("cluster", ["slurm", "local"])
def test_a_job_whose_process_is_killed_breaks_only_its_own_call(start, slurm, tmp_path, cluster):
    executor, gate = start(cluster=cluster), tmp_path / "gate"
    future = executor.submit(hold_until, gate)
    wait_until(lambda: begun(gate))
    assert future.running() or not future.done()
    os.kill(begun(gate)[0], signal.SIGKILL)
    error = future.exception(PATIENCE)
    assert isinstance(error, BrokenExecutor)
    assert "without a result" in str(error)
    assert list((tmp_path / "jobs").glob("*/*.err")), "its log is kept"
    assert executor.submit(abs, -1).result(PATIENCE) == 1


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("CANCELLED by 1000", "job 1 was cancelled; run the matrix again"),
        ("TIMEOUT", r"job 1 ran out of time; raise executor\.submitit\.time"),
        ("OUT_OF_MEMORY", r"job 1 ran out of memory; raise executor\.submitit\.memory"),
    ],
)
def test_a_job_that_is_ended_for_a_reason_is_not_tried_again_and_says_which(start, slurm, tmp_path, state, said):
    gate = tmp_path / "gate"
    future = start().submit(hold_until, gate)
    wait_until(lambda: begun(gate))
    slurm.end(1, state)
    with pytest.raises(JobError, match=said):
        future.result(PATIENCE)


def test_a_job_that_is_cancelled_while_it_waits_in_the_queue_has_an_end(start, slurm):
    slurm.hold()
    future = start().submit(abs, -1)
    slurm.end(1, "CANCELLED by 1000")
    with pytest.raises(JobError, match="was cancelled"):
        future.result(PATIENCE)


def test_a_future_that_is_cancelled_takes_its_job_from_the_queue(start, slurm, tmp_path):
    slurm.hold()
    executor = start()
    assert executor.submit(abs, -1).cancel()
    wait_until(lambda: slurm.state(1) is not None)
    assert slurm.state(1) == "CANCELLED by 1000"
    executor.shutdown()


def test_a_node_lost_breaks_the_call_so_that_it_is_tried_again(start, slurm):
    slurm.hold()
    future = start().submit(abs, -1)
    slurm.end(1, "NODE_FAIL")
    assert isinstance(future.exception(PATIENCE), BrokenExecutor)


def test_what_waits_is_taken_from_the_queue_and_what_runs_comes_to_its_end(start, slurm, tmp_path):
    executor, gate = start(), tmp_path / "gate"
    runs = executor.submit(hold_until, gate)
    wait_until(runs.running)
    slurm.hold()
    waits = executor.submit(abs, -1)
    executor.shutdown(wait=False, cancel_futures=True)
    assert waits.cancelled()
    assert (slurm.state(1), slurm.state(2)) == (None, "CANCELLED by 1000")
    gate.touch()
    assert runs.result(PATIENCE) == "done"


def test_a_job_that_is_preempted_is_queued_again_and_its_call_is_no_failure(start, tmp_path):
    executor, gate = start(cluster="local"), tmp_path / "gate"
    future = executor.submit(hold_until, gate)
    wait_until(lambda: begun(gate))
    os.kill(begun(gate)[0], signal.SIGUSR2)  # as SLURM announces it
    wait_until(lambda: len(begun(gate)) == 2)
    assert not future.done()
    gate.touch()
    assert future.result(PATIENCE) == "done"


def test_a_job_that_cannot_load_its_call_says_what_the_node_lacks(start, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "only_here.py").write_text("def work(): return 1\n")
    import only_here

    error = start(cluster="local").submit(only_here.work).exception(PATIENCE)
    assert isinstance(error, JobError)
    assert "ModuleNotFoundError: No module named 'only_here'" in str(error)
    assert "\n" not in str(error)
    del sys.modules["only_here"]
