"""``emonet-bench plugins``: what is installed and registered, whether it keeps its contracts, and a new one."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import rich_click as click
from rich.table import Table
from rich.text import Text

from emonet_bench.cli.consoles import say
from emonet_bench.cli.scaffold import FLAGS, write_package
from emonet_bench.cli.shell import Shell
from emonet_bench.cli.terminal import Terminal, grid
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin


@click.group()
def plugins() -> None:
    """Look at plugins and make one: packages with an entry point in the group ``emonet_bench``, or single files."""


@plugins.command("list")
@click.option("--strict", is_flag=True, help="Exit with status 1 where a plugin is broken.")
@click.pass_context
def list_(ctx: click.RichContext, /, strict: bool) -> None:  # noqa: FBT001 - click passes by name
    """List plugins with what they register; the reason why one is broken stands below."""
    selection: Selection = ctx.obj or Selection()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the reasons are printed below
        loaded = _load(ctx, replace(selection, strict=False))
    Terminal().print(_table(loaded.origins))
    broken = [origin for origin in loaded.origins if origin.broken]
    for origin in broken:
        say(f"{origin}: {origin.broken}")
    if broken and (strict or selection.strict):
        ctx.exit(1)


@plugins.command()
@click.argument("name")
@click.option(
    "--corpora-dir",
    type=click.Path(path_type=Path),
    help="Directory with one folder for each corpus [default: EMONET_BENCH_CORPORA_DIR].",
)
@click.pass_context
def check(ctx: click.RichContext, /, name: str, corpora_dir: Path | None) -> None:
    """Hold the plugin NAME, or one thing that plugins register as NAME, to its contracts.

    Exits with status 1 where one is broken.
    """
    selection: Selection = ctx.obj or Selection()
    if corpora_dir is not None:
        selection = replace(selection, corpora_dir=corpora_dir)
    from emonet_bench.cli.plugins_check import report  # noqa: PLC0415 - torch is imported for real work only

    if not report(name, _load(ctx, selection)):
        ctx.exit(1)


@plugins.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(list(FLAGS)), required=True, help="What it registers.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where to make its directory [default: here].",
)
def new(name: str, kind: str, directory: Path) -> None:
    """Write the package NAME: a plugin that works, to be changed into one's own."""
    for path in write_package(name, kind, directory):
        say(str(path))
    say(
        f"\nNext: cd {directory / name} && pip install -e . && pytest && "
        f"emonet-bench run matrix --limit 8 {FLAGS[kind]} {name}"
    )


def _load(ctx: click.RichContext, selection: Selection) -> Plugins:
    shell = ctx.find_root().command
    return shell.load(selection) if isinstance(shell, Shell) else Plugins(selection)


def _table(origins: list[Origin]) -> Table:
    table = grid("plugin", "version", "origin", "registers", wrapped=("plugin", "origin", "registers"))
    for origin in origins:
        registers = Text("\n".join(_registered(origin))) or Text("hooks only", style="dim")
        state = Text("broken", style="red") if origin.broken else registers
        table.add_row(Text(origin.name), origin.version, Text(origin.source), state)
    return table


def _registered(origin: Origin) -> list[str]:
    """Gather what a plugin registers by kind: ``strategy: adapters, scratch``."""
    kinds: dict[str, list[str]] = {}
    for thing in origin.registers:
        kind, _, name = thing.partition(" ")
        kinds.setdefault(kind, []).append(name)
    return [f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items()]
