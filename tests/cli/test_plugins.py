"""``emonet-bench plugins``: the list with the reasons why one is broken, and the mistakes of ``check`` and ``new``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from tests.in_process import processes_forked

HELLO = """
from emonet_bench import hookimpl

@hookimpl
def emonet_commands(cli):
    @cli.command()
    def hello():
        "Say hello."
"""

STRATEGIES = """
from emonet_bench import hookimpl
from emonet_bench.config import Options
from emonet_bench.types import Strategy

@hookimpl
def emonet_strategies():
    return [Strategy(name, Options, print) for name in "ba"]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write the one plugin that is loaded."""
    monkeypatch.setenv("EMONET_BENCH_PLUGINS", "")
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "mine.py"

    def written(code):
        path.write_text(code, encoding="utf-8")
        return path

    return written


def plugins(*arguments, file=None):
    given = [] if file is None else ["--plugin", str(file)]
    with processes_forked():
        return CliRunner().invoke(main, [*given, "plugins", *map(str, arguments)], prog_name="emonet-bench")


def test_the_list_shows_what_each_registers(plugin):
    run = plugins("list", file=plugin(HELLO))
    assert run.exit_code == 0
    assert "command: hello" in run.stdout
    assert "sha256:" in run.stdout


def test_the_list_gathers_names_of_one_kind(plugin):
    run = plugins("list", file=plugin(STRATEGIES))
    assert "strategy: a, b" in run.stdout, run.output


def test_the_list_says_where_a_plugin_implements_a_hook_that_is_going_away(plugin):
    path = plugin("from emonet_bench import hookimpl\n\n@hookimpl\ndef emonet_executor(name): return None\n")
    run = plugins("list", file=path)
    assert f"{path}:3: emonet_executor is asked no more from 0.3 on; register by emonet_executors\n" in run.stdout


def test_the_list_prints_the_reason_unwrapped_and_fails_when_strict(plugin):
    path = plugin(f"raise ValueError('{'long ' * 50}end')")
    lenient = plugins("list", file=path)
    strict = plugins("list", "--strict", file=path)
    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    assert f"mine ({path}): ValueError: {'long ' * 50}end\n" in lenient.stdout
    assert strict.stdout == lenient.stdout
    assert lenient.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "mine", "--set", "width"), "--set width: write it as option=value, such as width=4"),
        (("check", "mine", "--window", "0"), "--window"),
        (("check", "mien"), "no plugin 'mien' registers anything to check; did you mean 'mine'?"),
        (("new", "mine", "--kind", "corpse"), "'corpse' is not one of"),
        (("new", "json", "--kind", "corpus"), "there is a module 'json' already"),
    ],
)
def test_a_mistake_is_one_line(plugin, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    run = plugins(*arguments, file=plugin(HELLO))
    assert (run.exit_code, run.stderr.count("\n")) == (2, 1), run.output
    assert words in run.stderr


def test_new_says_how_to_go_on(plugin, tmp_path):
    run = plugins("new", "my-net", "--kind", "strategy", "--directory", tmp_path / "a b")
    assert run.exit_code == 0
    assert run.stdout.endswith(
        f"\nNext: cd '{tmp_path}/a b/my-net' && pip install -e \".[test]\" && pytest && "
        "emonet-bench run matrix --limit 8 --strategies my-net\n"
    )


@pytest.mark.filterwarnings("always")
def test_a_plugin_that_cannot_be_imported_is_one_line_of_its_check_and_others_are_warned_about(plugin, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("import no_such_module_either", encoding="utf-8")
    file = plugin("import no_such_module")
    run = CliRunner().invoke(main, ["--plugin", str(file), "--plugin", str(other), "plugins", "check", "mine"])
    assert run.exit_code == 1
    assert run.output.count("no_such_module'") == 1
    assert run.stdout.startswith("plugin mine")
    assert run.stdout.rstrip().endswith("is broken: ModuleNotFoundError: No module named 'no_such_module'")
    assert "Warning: plugin other" in run.stderr
    assert "Warning: plugin mine" not in run.stderr
