"""``emonet-bench plugins``: what is installed and registered, whether it keeps its contracts, and a new one."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import rich_click as click
from rich.table import Table
from rich.text import Text

from emonet_bench import __version__, hookspecs
from emonet_bench.cli.scaffold import INSTALLED, TRIED, write_package
from emonet_bench.cli.shell import Shell
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.console.terminal import Terminal, grid
from emonet_bench.errors import ConfigError
from emonet_bench.escaping import shell_word
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
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")  # the reasons of broken plugins are printed below
        loaded = _load(ctx, replace(selection, strict=False))
    Terminal().print(_table(loaded.origins))
    say(f"Plugin API {hookspecs.API} of emonet-bench {__version__}.")
    for leaving in (warning for warning in told if issubclass(warning.category, DeprecationWarning)):
        say(f"{leaving.filename}:{leaving.lineno}: {leaving.message}")
    broken = [origin for origin in loaded.origins if origin.broken]
    for origin in broken:
        say(f"{origin}: {origin.broken}")
    if broken and (strict or selection.strict):
        ctx.exit(1)


@plugins.command()
@click.argument("name")
@click.option(
    "--corpora-dir",
    type=PathParam(),
    help="Directory with one folder for each corpus [default: EMONET_BENCH_CORPORA_DIR].",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of what is checked. Repeatable.")
@click.option("--window", type=click.FloatRange(0, min_open=True), metavar="S", help="Seconds that architectures hear.")
@click.option(
    "--deadline",
    type=click.FloatRange(0, 86_400, min_open=True),
    default=300.0,
    show_default=True,
    metavar="S",
    help="Seconds that one check may take; it is then broken, and not waited for.",
)
@click.pass_context
def check(
    ctx: click.RichContext,
    /,
    name: str,
    corpora_dir: Path | None,
    settings: tuple[str, ...],
    window: float | None,
    deadline: float,
) -> None:
    """Hold the plugin NAME, or one thing that plugins register as NAME, to its contracts.

    Exits with status 1 where one is broken, or where nothing could be checked.
    """
    selection: Selection = ctx.obj or Selection()
    if corpora_dir is not None:
        selection = replace(selection, corpora_dir=corpora_dir)
    from emonet_bench.cli.plugins_check import Request, report  # noqa: PLC0415 - for real work only

    request = Request(name, dict(map(_setting, settings)), window)
    if not report(request, _load_to_check(ctx, selection, name), deadline):
        ctx.exit(1)


def _load_to_check(ctx: click.RichContext, selection: Selection, name: str) -> Plugins:
    """Load all plugins; warn of those that are left out, but not of the one whose report says why it is."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        loaded = _load(ctx, selection)
    reported = {f"plugin {origin} is left out: {origin.broken}" for origin in loaded.origins if origin.name == name}
    for one in told:
        if str(one.message) not in reported:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return loaded


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text}: write it as option=value, such as width=4")
    return name.strip().replace("-", "_"), value.strip()


@plugins.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(list(TRIED)), required=True, help="What it registers.")
@click.option(
    "--directory",
    type=PathParam(file_okay=False),
    default=Path(),
    help="Where to make its directory [default: here].",
)
def new(name: str, kind: str, directory: Path) -> None:
    """Write the package NAME: a plugin that works, to be changed into one's own."""
    for path in write_package(name, kind, directory):
        say(str(path))
    steps = (f"cd {shell_word(directory / name)}", *INSTALLED, TRIED[kind].format(name=name))
    say(f"\nNext: {' && '.join(steps)}")


def _load(ctx: click.RichContext, selection: Selection) -> Plugins:
    shell = ctx.find_root().command
    return shell.load(selection) if isinstance(shell, Shell) else Plugins(selection)


def _table(origins: list[Origin]) -> Table:
    table = grid("plugin", "origin, host", "registers", wrapped=("plugin", "origin, host", "registers"))
    for origin in origins:
        registers = Text("\n".join(_registered(origin))) or Text("hooks only", style="dim")
        state = Text("broken", style="red") if origin.broken else registers
        source = Text(origin.source).append(f"\n{origin.needs}" if origin.needs else "", "dim")
        table.add_row(Text(origin.name).append(f"\n{origin.version}", "dim"), source, state)
    return table


def _registered(origin: Origin) -> list[str]:
    """Gather what a plugin registers by kind: ``strategy: adapters, scratch``."""
    kinds: dict[str, list[str]] = {}
    for thing in origin.registers:
        kind, _, name = thing.partition(" ")
        kinds.setdefault(kind, []).append(name)
    return [f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items()]
