"""``plugins check``: every kind, with options, and a plugin that hangs, dies or prints pages costs only its own check."""

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.testing.contracts import LONGEST
from tests.in_process import processes_forked

PLUGIN = """
import os, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emonet_bench import hookimpl
from emonet_bench.config import Options, option
from emonet_bench.types import Architecture, ExecutorKind, Strategy

PIDS = Path(__file__).with_name("pids")

class Sized(Options):
    width: int = option(2, "Width.", ge=1)

def build(options, spec):
    raise ValueError(f"width {options.width}, window {spec.window}" + 400 * "\\n  some graph of a compiler")

class Hanging(ThreadPoolExecutor):
    def submit(self, *arguments, **keywords):
        with PIDS.open("a") as stream:
            stream.write(f"{os.getpid()}\\n")
        while True:
            time.sleep(0.05)

@hookimpl
def emonet_architectures():
    return [Architecture("sized", "toy", Sized, build=build)]

@hookimpl
def emonet_executors():
    start = Hanging if os.environ.get("HANG") else ThreadPoolExecutor
    return [ExecutorKind("pool", Options, lambda options, workers, devices: start(workers))]

@hookimpl
def emonet_run_started(spec, directory):
    if os.environ.get("DIE"):
        os._exit(3)
    print("noise " * 1000)

@hookimpl
def emonet_run_failed(spec, error, directory):
    raise OSError("no tracker [/s]\\x1b[2J")

@hookimpl(optionalhook=True)
def emonet_hook_of_a_later_host(spec):
    pass
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the plugin lies."""
    made = tmp_path_factory.mktemp("checked")
    (made / "mine.py").write_text(PLUGIN, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def check(folder):
    """Run ``plugins check`` with the plugin alone."""

    def run(*arguments):
        line = ["--plugin", str(folder / "mine.py"), "plugins", "check", *map(str, arguments)]
        with processes_forked():
            return CliRunner().invoke(main, line, env={"EMONET_BENCH_PLUGINS": ""})

    return run


@pytest.fixture(scope="module")
def sized(check):
    """What a check of its architecture says, of a network that cannot be built."""
    return check("sized", "--set", "width=7", "--window", 0.5)


@pytest.fixture(scope="module")
def mine(check):
    """What a check of the whole plugin says."""
    return check("mine")


def test_options_and_a_window_reach_the_architecture(sized):
    assert sized.exit_code == 1
    assert "seen: ValueError: width 7, window 8000" in sized.output


def test_of_pages_of_a_compiler_one_line_is_shown(sized):
    assert max(map(len, sized.output.splitlines())) < LONGEST + 200
    assert "some graph" not in sized.output


def test_an_option_that_nothing_has_is_one_line(check):
    run = check("sized", "--set", "widht=7")
    assert (run.exit_code, run.stderr) == (
        2,
        "Error: --set widht: nothing that is checked has such an option; did you mean 'width'?\n",
    )
    assert check("sized", "--set", "width").stderr.startswith("Error: --set width: write it as option=value")


def test_a_value_that_the_option_refuses_is_said(check):
    run = check("sized", "--set", "width=0")
    assert run.exit_code == 2
    assert "Error: --set: sized.width: input should be greater than or equal to 1" in run.stderr


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="groups of processes are POSIX's")
def test_a_hanging_executor_is_reported_and_ended(check, folder, monkeypatch):
    monkeypatch.setenv("HANG", "1")
    run = check("pool", "--deadline", 2)
    assert run.exit_code == 1
    lines = run.output.splitlines()
    assert lines[0] == "executor pool"
    (broken,) = [at for at, line in enumerate(lines) if "BROKEN  ``submit(function, ...)`` gives" in line]
    assert "not finished by the deadline" in lines[broken + 1]
    (pid,) = {int(line) for line in (folder / "pids").read_text().split()}
    assert not _alive(pid)


def _alive(pid):
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return False
        time.sleep(0.02)
    return True


def test_a_process_that_dies_costs_only_its_check(check, monkeypatch):
    monkeypatch.setenv("DIE", "1")
    run = check("mine")
    assert run.exit_code == 1
    assert "architecture sized" in run.output
    assert "hooks mine" in run.output
    assert "seen: its process died" in run.output


def test_hooks_are_checked_and_what_they_raise_is_shown(mine):
    lines = mine.output.splitlines()
    assert "hooks mine" in lines
    broken = [lines[at + 1] for at, line in enumerate(lines) if "BROKEN  A run that fails" in line]
    assert broken == ["          seen: OSError: no tracker [/s]\\x1b[2J"]
    assert "noise" not in mine.output


def test_an_optional_hook_of_another_host_is_no_fault(mine):
    assert "unknown hook" not in mine.output
