"""Path parameters: an empty one is refused by every command, whatever a shell made of it."""

from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.console.paths import PathParam
from emonet_bench.deploy.cli import main as predict


@click.command()
@click.option("--results", type=PathParam(file_okay=False))
def show(results):
    """Print what was given."""
    click.echo(repr(results))


def test_an_empty_path_is_one_line_that_names_the_option_and_the_remedy():
    done = CliRunner().invoke(show, ["--results", ""])
    assert done.exit_code == 2
    assert "--results" in done.output
    assert "is empty; name a file or a directory" in " ".join(done.output.split())


@pytest.mark.parametrize("given", [".", "some/where", " "])
def test_any_other_is_a_path(given):
    done = CliRunner().invoke(show, ["--results", given])
    assert done.output == f"{Path(given)!r}\n"


def commands(command, name=""):
    """Walk through a command and all below it."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            _, found, _ = command.resolve_command(context, [each])
            yield from commands(found, f"{name} {each}".strip())


def test_every_command_refuses_empty_paths():
    paths = [
        (name, parameter)
        for group in (main, predict)
        for name, command in commands(group)
        for parameter in command.params
        if isinstance(parameter.type, click.Path)
    ]
    assert len(paths) > 30
    assert [(name, one.name) for name, one in paths if not isinstance(one.type, PathParam)] == []
