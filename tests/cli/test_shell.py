"""The shell: quick, without torch, and a user's mistake is one line on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner

from emonet_bench import __version__
from emonet_bench.cli import COMMANDS, main
from emonet_bench.cli.shell import Shell
from emonet_bench.plugins.loading import Selection

HEAVY = ("torch", "pandas", "sklearn", "scipy", "onnxruntime")


def here(*arguments):
    """Run a command line in this process."""
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="emonet-bench")


def emonet_bench(*arguments, **options):
    """Run a command line in a process of its own."""
    command = [sys.executable, "-m", "emonet_bench", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def no_plugins(monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "")


def _plugin(folder: Path, code: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(f"from emonet_bench import hookimpl\n{code}")
    return path


HELLO = """
@hookimpl
def emonet_commands(cli):
    @cli.command()
    def hello():
        "Say hello."
        print("hello from a plugin")
"""


def test_help_lists_every_command_and_exits_well():
    run = emonet_bench("--help")
    assert run.returncode == 0
    assert all(name in run.stdout and words[1][:20] in run.stdout for name, words in COMMANDS.items())


def test_nothing_heavy_is_imported_to_look_around():
    lines = ["--help", "plugins list", "report --help", "run matrix --help"]
    code = "import sys\nfrom emonet_bench.cli import main\nfor line in sys.argv[1:]:\n"
    code += "    try: main(line.split())\n    except SystemExit as ended: assert not ended.code, line\n"
    code += f"    assert not {set(HEAVY)} & sys.modules.keys(), (line, sorted(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code, *lines], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_listing_imports_no_command():
    code = "import sys\nfrom emonet_bench.cli import main, COMMANDS\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit(str([name for name, (module, _) in COMMANDS.items() if module in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr.strip() == "[]"


def test_help_takes_less_than_half_a_second():
    def seconds():
        before = os.times()
        emonet_bench("--help")
        after = os.times()  # of processor: a busy machine is not our fault
        return sum(after[2:4]) - sum(before[2:4])

    # A tenth of a second of it is numpy, which registered metrics import.
    assert any(seconds() < 0.75 for _ in range(5))


def test_the_table_of_commands_is_true():
    context = click.Context(main)
    for name in COMMANDS:
        _, command, _ = main.resolve_command(context, [name])
        assert command.name == name
        assert command.help


def test_version_is_printed():
    assert here("--version").stdout == f"emonet-bench, version {__version__}\n"


def test_an_unknown_command_suggests_the_nearest(no_plugins):
    run = here("reprot")
    assert run.exit_code == 2
    assert run.stderr == "Error: unknown command 'reprot'; did you mean 'report'? Try 'emonet-bench --help'.\n"
    assert run.stdout == ""


def test_an_unknown_option_is_one_line(no_plugins):
    run = here("report", "--formt", "csv")
    assert run.exit_code == 2
    assert run.stderr.count("\n") == 1
    assert "'emonet-bench report --help'" in run.stderr


def test_a_mistake_is_one_unwrapped_line_and_status_2(tmp_path):
    path = tmp_path / ("long" * 40)
    run = here("report", path)
    assert run.exit_code == 2
    assert run.stderr == f"Error: {path}: no such directory; name the --results of a 'run matrix'\n"


def test_what_a_command_returns_is_no_exit_status():
    shell = Shell("x", lazy={})
    shell.get_command = lambda ctx, name: click.RichCommand(name="true", callback=lambda: True)
    assert CliRunner().invoke(shell, ["true"]).exit_code == 0


@pytest.mark.parametrize("arguments", [("hello",), ("--strict", "hello")])
def test_a_plugins_command_runs(tmp_path, arguments, no_plugins):
    run = here("--plugin", _plugin(tmp_path, HELLO), *arguments)
    assert (run.stdout, run.stderr, run.exit_code) == ("hello from a plugin\n", "", 0)


def test_a_plugins_command_is_listed_and_suggested(tmp_path, no_plugins):
    path = _plugin(tmp_path, HELLO)
    assert "Say hello." in here("--plugin", path, "--help").stdout
    assert "did you mean 'hello'?" in here("--plugin", path, "helo").stderr


def test_a_broken_plugin_is_one_warning_and_no_traceback(tmp_path, no_plugins):
    run = emonet_bench("--plugin", _plugin(tmp_path, "import absent_module"), "--help")
    assert run.returncode == 0
    assert run.stderr == (
        f"Warning: plugin mine ({tmp_path}/mine.py) is left out: ModuleNotFoundError: No module named 'absent_module'\n"
    )


def test_help_works_where_plugins_clash(tmp_path, no_plugins):
    paths = [_plugin(tmp_path, HELLO, name) for name in ("one.py", "two.py")]
    run = emonet_bench("--plugin", paths[0], "--plugin", paths[1], "--help")
    assert run.returncode == 0
    assert "doctor" in run.stdout
    assert run.stderr.startswith("Warning: command 'hello' is registered by two plugins: one (")


def test_a_missing_plugin_file_is_a_mistake(tmp_path, no_plugins):
    run = here("--plugin", tmp_path / "absent.py", "plugins", "list")
    assert run.exit_code == 2
    assert run.stderr.startswith(f"Error: --plugin {tmp_path}/absent.py: cannot be read")


def test_options_before_the_command_reach_it(tmp_path):
    seen = []
    shell = Shell("x", lazy={}, params=main.params, callback=main.callback)
    command = click.RichCommand(name="look", callback=lambda: seen.append(click.get_current_context().obj))
    shell.get_command = lambda ctx, name: command
    path = _plugin(tmp_path, "")
    CliRunner().invoke(
        shell, ["--plugin", str(path), "--strict", "--corpora-dir", "corpora", "look"], catch_exceptions=False
    )
    assert seen == [Selection(files=(path,), strict=True, corpora_dir=Path("corpora"))]


def test_verbose_shows_the_traceback_of_a_broken_plugin(tmp_path, no_plugins):
    run = emonet_bench("-vv", "--plugin", _plugin(tmp_path, "import absent_module"), "plugins", "list")
    assert "Traceback" in run.stderr
    assert "import absent_module" in run.stderr


def test_a_reader_that_leaves_is_no_error(no_plugins):
    command = f"{sys.executable} -m emonet_bench --help | true"
    run = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert run.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_output_onto_a_full_disk_is_one_line():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "emonet_bench", "plugins", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: the output: cannot be written (No space left on device); free some space\n"


WAIT = """
import signal
from emonet_bench.matrix.executors import ending_workers

@hookimpl
def emonet_commands(cli):
    @cli.command()
    def wait():
        with ending_workers():
            signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_request_to_end_is_one_line_wherever_it_comes(tmp_path):
    done = emonet_bench("--plugin", _plugin(tmp_path, WAIT), "wait")
    assert (done.returncode, done.stderr) == (143, "Terminated.\n")
