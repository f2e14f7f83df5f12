"""Where cells run: real worker processes, their deaths, and how many there are."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from emonet_bench.config import Options
from emonet_bench.errors import ConfigError, PluginError, Terminated
from emonet_bench.matrix.executors import Workers, ending_workers, executor_factory
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.types import ExecutorKind


@pytest.fixture
def workers():
    made = Workers()
    yield made
    made.shutdown(cancel_futures=True)


def test_a_death_costs_only_the_cell_that_the_worker_had(workers):
    dying = workers.submit(os._exit, 1)
    surviving = workers.submit(os.getpid)
    assert isinstance(dying.exception(timeout=120), BrokenProcessPool)
    pid = surviving.result(timeout=120)
    assert workers.submit(os.getpid).result(timeout=120) == pid, "an idle worker is used again"


def test_workers_are_dealt_to_the_gpus_in_turn():
    made = Workers(["0", "MIG-1"])
    try:
        asked = [made.submit(os.getenv, "CUDA_VISIBLE_DEVICES") for _ in range(3)]
        assert [future.result(timeout=120) for future in asked] == ["0", "MIG-1", "0"]
    finally:
        made.shutdown()


_MAIN = """
import os, signal, time
from emonet_bench.matrix.executors import Workers, ending_workers

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background is deaf to it
    with ending_workers():
        workers = Workers()
        print(workers.submit(os.getpid).result(), flush=True)
        workers.submit(time.sleep, 600).result()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_main_process_however_it_ends(tmp_path, number):
    script = tmp_path / "main.py"
    script.write_text(_MAIN)
    main = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    worker = int(main.stdout.readline())
    main.send_signal(number)
    _, errors = main.communicate(timeout=120)
    assert main.returncode != 0
    assert "leaked" not in errors
    has_ended(worker)


def has_ended(pid):
    deadline = time.monotonic() + 60
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alive(pid):
    try:
        with Path(f"/proc/{pid}/stat").open() as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_request_to_end_has_the_shells_exit_status(name, status):
    number = getattr(signal, name)
    before = signal.signal(number, signal.SIG_DFL)  # under nohup, these tests themselves are deaf to SIGHUP
    try:
        with pytest.raises(Terminated) as caught, ending_workers():
            signal.raise_signal(number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert caught.value.status == status
    assert not multiprocessing.active_children()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_matrix_under_nohup_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_workers():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_workers_end_at_once_when_an_error_ends_the_main_process():
    workers = Workers()
    with pytest.raises(ZeroDivisionError), ending_workers():
        process = workers.submit(os.getpid).result()
        slow = workers.submit(time.sleep, 600)
        raise ZeroDivisionError
    assert isinstance(slow.exception(timeout=60), BrokenExecutor)
    has_ended(process)
    workers.shutdown()


def test_a_cell_goes_to_the_gpu_with_the_fewest():
    workers = Workers(["0", "1"])
    visible = [workers.submit(os.getenv, "CUDA_VISIBLE_DEVICES").result() for _ in range(2)]
    assert visible == ["0", "0"], "one after another, on one worker"
    sleeping = workers.submit(time.sleep, 5)
    assert workers.submit(os._exit, 1).exception() is not None, "the worker of the other one dies"
    assert workers.submit(os.getenv, "CUDA_VISIBLE_DEVICES").result() == "1"
    sleeping.result()
    workers.shutdown()


def test_a_broken_executor_of_a_plugin_is_asked_for_anew(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from emonet_bench import hookimpl\n"
        "from emonet_bench.config import Options, option\n"
        "from emonet_bench.types import ExecutorKind\n"
        "class Own(Options):\n"
        "    spare: int = option(0, 'More of them.', ge=0)\n"
        "def start(options, workers, devices):\n"
        "    return ThreadPoolExecutor(workers + options.spare + len(devices))\n"
        "@hookimpl\n"
        "def emonet_executors():\n"
        "    return [ExecutorKind('mine', Own, start)]\n"
    )
    plugins = Plugins(Selection(names=(), files=(plugin,)))
    start = executor_factory("mine", {"spare": 1}, 3, plugins, ["0"])
    first, second = start(), start()
    assert first is not second
    assert first._max_workers == second._max_workers == 5
    with pytest.raises(ConfigError, match=r"executor.mine.spar: unknown option; did you mean 'spare'"):
        executor_factory("mine", {"spar": 1}, 3, plugins)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (lambda *_: 1 / 0, r"plugin mine \(there\): executor odd raised ZeroDivisionError.*; mend or uninstall it"),
        (lambda *_: "ray", r"plugin mine \(there\): executor odd must start an executor .*; got 'ray'"),
    ],
)
def test_an_executor_that_does_not_start_names_its_plugin(start, words):
    plugins = Plugins(Selection(names=()))
    plugins.executors.add("odd", ExecutorKind("odd", Options, start), Origin("mine", "1", "there"))
    with pytest.raises(PluginError, match=words):
        executor_factory("odd", {}, 1, plugins)


def test_the_hook_of_earlier_hosts_is_asked_for_one_more_release_and_says_so(tmp_path):
    plugin = tmp_path / "old.py"
    plugin.write_text(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from emonet_bench import hookimpl\n"
        "@hookimpl\n"
        "def emonet_executor(name, workers):\n"
        "    return ThreadPoolExecutor(workers) if name == 'old' else None\n"
    )
    with pytest.warns(DeprecationWarning, match=r"from 0\.3 on; register by emonet_executors") as caught:
        plugins = Plugins(Selection(names=(), files=(plugin,)))
    assert caught[0].filename == str(plugin), "the warning names the line of the plugin"
    assert executor_factory("old", {}, 2, plugins)()._max_workers == 2


def test_an_unknown_executor_is_told_before_anything_runs():
    with pytest.raises(ConfigError, match="--executor processe: no plugin offers it; did you mean 'processes'"):
        executor_factory("processe", {}, 1, Plugins(Selection(names=("builtins",))))
