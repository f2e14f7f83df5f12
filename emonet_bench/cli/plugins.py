"""``emonet-bench plugins``: what is installed, what it registers, and why something does not work."""

from __future__ import annotations

import warnings
from dataclasses import replace

import rich_click as click
from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emonet_bench.cli.shell import Shell
from emonet_bench.plugins import Plugins, Selection
from emonet_bench.registries import Origin


@click.group()
def plugins() -> None:
    """Look at plugins: packages with an entry point in the group ``emonet_bench``, or single files."""


@plugins.command("list")
@click.option("--strict", is_flag=True, help="Exit with status 1 where a plugin is broken.")
@click.pass_context
def list_(ctx: click.RichContext, /, strict: bool) -> None:  # noqa: FBT001 - click passes by name
    """List plugins with what they register; the reason why one is broken stands below."""
    selection: Selection = ctx.obj or Selection()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the reasons are printed below
        loaded = _load(ctx, replace(selection, strict=False))
    Console().print(_table(loaded.origins))
    broken = [origin for origin in loaded.origins if origin.broken]
    for origin in broken:
        click.echo(f"{origin}: {origin.broken}")
    if broken and (strict or selection.strict):
        ctx.exit(1)


def _load(ctx: click.RichContext, selection: Selection) -> Plugins:
    shell = ctx.find_root().command
    return shell.load(selection) if isinstance(shell, Shell) else Plugins(selection)


def _table(origins: list[Origin]) -> Table:
    table = Table(box=HORIZONTALS, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("plugin", "version", "origin", "registers"):
        table.add_column(name, overflow="fold")
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
