"""``emonet-bench features``: frozen backbones run once per clip, what is kept of them, and its removal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click
from rich.box import HORIZONTALS
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from emonet_bench.cli.reading import Reading
from emonet_bench.cli.shell import Shell
from emonet_bench.console.paths import PathParam
from emonet_bench.console.terminal import Terminal
from emonet_bench.directories import features_directory
from emonet_bench.errors import ConfigError
from emonet_bench.features.inventory import StoredFeatures, remove, stored_features
from emonet_bench.plugins.loading import Selection


@click.group()
def features() -> None:
    """Compute what frozen backbones make of each clip once, for all cells.

    A matrix does it by itself when it needs them; `build` does it ahead.
    """


@features.command()
@click.argument("file", type=PathParam(dir_okay=False))
@click.option("--corpora", metavar="A,B", help="Corpora, instead of the file's.")
@click.option("--architectures", metavar="A,B", help="Architectures, instead of the file's.")
@click.option("--strategies", metavar="A,B", help="Strategies, instead of the file's.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set one value, such as training.window=none."
)
@click.option(
    "--results",
    type=PathParam(),
    default=Path("results"),
    show_default=True,
    help="Where trained sources lie.",
)
@click.option("--jobs", default="auto", show_default=True, help="Processes at once: a number, or auto.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
@click.option("--limit", type=click.IntRange(2), help="Most clips of each partition: a smoke run.")
@click.option("--skip-bad-files", is_flag=True, help="Leave bad audio files out, and say how many.")
@click.pass_context
def build(context: click.RichContext, /, file: Path, **flags: Any) -> None:
    """Compute and keep the features that the matrix FILE needs; what is kept already is not computed again."""
    from emonet_bench.matrix.frozen_features import build_features, jobs_of  # noqa: PLC0415 - torch is for real work only
    from emonet_bench.matrix.options import RunOptions  # noqa: PLC0415
    from emonet_bench.matrix.planning.overrides import Overrides  # noqa: PLC0415
    from emonet_bench.matrix.planning.plan import matrix_source, plan  # noqa: PLC0415
    from emonet_bench.matrix.resources import choose_gpu, worker_count  # noqa: PLC0415

    overrides = Overrides(
        corpora=_listed(flags["corpora"]),
        architectures=_listed(flags["architectures"]),
        strategies=_listed(flags["strategies"]),
        settings=flags["settings"],
        limit=flags["limit"],
        device=choose_gpu(flags["device"]),
    )
    given = matrix_source(file)
    source = replace(given, values=overrides.applied(given.values))
    options = RunOptions(results=flags["results"], jobs=flags["jobs"], skip_bad_files=flags["skip_bad_files"])
    console, shell = Terminal(), context.find_root().command
    assert isinstance(shell, Shell)
    plugins = shell.load(source.selection(context.obj or Selection()))
    with Reading(console) as reading:
        planned = plan(source, plugins, skip_bad=options.skip_bad_files, reading=reading)
    threads = max(cell.spec.training.threads for cell in planned.samples)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("planning", total=None)
        built = build_features(
            jobs_of(planned, options),
            lambda title, done, total: bar.update(task, description=title, completed=done, total=total),
            worker_count(options.jobs, threads, len(planned.samples)),
        )
    for one in built:
        if one.reason:
            click.echo(f"{one.cell.spec.title}: {one.reason}")
    _show(stored_features(features_directory()), console)


@features.command("list")
def list_() -> None:
    """List what is kept: of which architecture and corpus, how large, since when, and when it was last used."""
    _show(stored_features(features_directory()), Terminal())


@features.command()
@click.option("--older-than", type=click.FloatRange(0), metavar="DAYS", help="Features kept for longer than this.")
@click.option("--unused-for", type=click.FloatRange(0), metavar="DAYS", help="Features that nobody used for so long.")
@click.option("--all", "all_", is_flag=True, help="All of them.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def prune(older_than: float | None, unused_for: float | None, *, all_: bool, yes: bool) -> None:
    """Remove features; a matrix that needs them again computes them again."""
    if older_than is None and unused_for is None and not all_:
        raise ConfigError("say what to remove: --older-than DAYS, --unused-for DAYS or --all")
    chosen = [
        store
        for store in stored_features(features_directory())
        if (older_than is None or store.age_days > older_than)
        and (unused_for is None or store.unused_days > unused_for)
    ]
    _show(chosen, Terminal())
    if not chosen:
        return
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("nobody is there to ask; give --yes to remove these")
        click.confirm(f"Remove {_size(sum(store.size for store in chosen))}?", abort=True)
    for store in chosen:
        if left := remove(store):
            click.echo(f"{store.path}: {left}")


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _show(stores: Sequence[StoredFeatures], console: Terminal) -> None:
    if not stores:
        click.echo(f"No features are kept in {features_directory()}.")
        return
    table = Table(box=HORIZONTALS, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in ("features of", "clips", "size", "kept for", "unused for", "directory"):
        table.add_column(column, overflow="fold")
    for store in stores:
        ages = (_days(store.age_days), _days(store.unused_days))
        size = _size(store.size) + (" (float16)" if store.precision == "float16" else "")
        table.add_row(", ".join(store.users), str(store.clips), size, *ages, store.path.name[:8])
    console.print(table)
    console.print(
        f"{_size(sum(store.size for store in stores))} in {features_directory()}", soft_wrap=True, markup=False
    )


def _size(count: int) -> str:
    """Write bytes for a reader.

    >>> _size(1_234_567), _size(12), _size(3_200_000_000)
    ('1.2 MB', '0.0 MB', '3.2 GB')
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"  # noqa: PLR2004


def _days(days: float) -> str:
    """Write an age for a reader.

    >>> _days(0.01), _days(0.5), _days(12.4)
    ('14 min', '12 h', '12 days')
    """
    if days >= 1:
        return f"{days:.0f} days"
    return f"{days * 24:.0f} h" if days * 24 >= 1 else f"{days * 24 * 60:.0f} min"
