"""A program: what a command raises is a line, and a status."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from emonet_bench.console.program import run
from emonet_bench.errors import ConfigError


class Program(click.Group):
    def main(self, args=None, *_, standalone_mode=True, **extra):
        return run(super().main, args, standalone_mode=standalone_mode, **extra)


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (ConfigError("matrix.toml: wrong [red]\nsecond line"), 2, "Error: matrix.toml: wrong [red] second line\n"),
        (KeyboardInterrupt(), 130, "\nInterrupted.\n"),
        (click.UsageError("no"), 2, "Error: no. Try 'x fail --help'.\n"),
    ],
)
def test_what_a_command_raises_becomes_a_line_and_a_status(raised, status, line):
    program = Program("x")

    @program.command("fail")
    def fail():
        raise raised

    run = CliRunner().invoke(program, ["fail"])
    assert (run.exit_code, run.stderr, run.stdout) == (status, line, "")


def test_a_bug_keeps_its_traceback():
    program = Program("x")
    program.add_command(click.Command(name="fail", callback=lambda: 1 / 0))
    assert isinstance(CliRunner().invoke(program, ["fail"]).exception, ZeroDivisionError)


def test_a_status_that_a_command_asks_for_is_the_exit_status():
    program = Program("x")
    program.add_command(click.Command(name="one", callback=lambda: click.get_current_context().exit(1)))
    assert CliRunner().invoke(program, ["one"]).exit_code == 1


def test_a_program_without_words_is_shown_its_help():
    program = Program("x", help="What it does.")
    program.add_command(click.Command(name="one"))
    shown = CliRunner().invoke(program, [])
    assert shown.output.splitlines()[0].startswith("Usage: x ")
    assert "\n  What it does.\n" in shown.output


def test_a_question_in_brackets_ends_a_message():
    program = Program("x")
    program.add_command(click.Command(name="one", params=[click.Option(["--format"])]))
    shown = CliRunner().invoke(program, ["one", "--formt", "a"])
    assert ".. " not in shown.stderr
    assert "?)." not in shown.stderr
    assert shown.stderr.endswith(" Try 'x one --help'.\n")
