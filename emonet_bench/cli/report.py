"""``emonet-bench report``: a results directory as a table."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from emonet_bench import report as reports
from emonet_bench.config import did_you_mean
from emonet_bench.console.outputs import write_output
from emonet_bench.console.streams import say
from emonet_bench.console.terminal import Terminal
from emonet_bench.errors import ConfigError

_KEYS = ("corpus", "protocol", "architecture", "strategy", "seed")
_RENDER = {
    "markdown": reports.render_markdown,
    "latex": reports.render_latex,
    "csv": reports.render_csv,
    "json": reports.render_json,
}


@click.command()
@click.argument("results", type=click.Path(path_type=Path), default=Path("results"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["rich", *_RENDER, "html"]),
    metavar="FORM",
    default="rich",
    show_default=True,
    help="rich, markdown, latex, csv, json or html.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.option(
    "--metric",
    metavar="NAME",
    default="uar",
    show_default=True,
    help="A metric: accuracy, macro_f1, kappa, ece, ccc, ..., one that a plugin offers, or uar:anger of one label.",
)
@click.option("--rows", metavar="A,B", help="What makes the rows, of corpus, architecture, strategy [default: corpus].")
@click.option("--columns", metavar="A,B", help="What makes the columns [default: what the rows leave].")
@click.option(
    "--sort",
    type=click.Choice(["name", *reports.SORTS]),
    metavar="BY",
    default="name",
    show_default=True,
    help="Order architectures and strategies by name, score, parameters or seconds.",
)
@click.option(
    "--baseline",
    default="scratch",
    show_default=True,
    help="Strategy that the others of an architecture are compared with; or a column, as 'cnn scratch', for all.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=A,B",
    help="Keep some runs only: corpus, protocol, architecture, strategy or seed. Repeatable.",
)
def report(
    results: Path,
    form: str,
    output: Path | None,
    metric: str,
    baseline: str,
    filters: tuple[str, ...],
    **arrangement: Any,
) -> None:
    """Show the results of a matrix: corpora against architectures and strategies.

    RESULTS is a results directory, or the directory of a single run. Folds are pooled and scored once for each seed;
    runs of different protocols never share a row.
    """
    with _collecting_nothing():
        table = reports.summarise(_filtered(reports.load(results), filters), metric, baseline)
        table = reports.arranged(table, **arrangement)
        _deliver(table, form, output)


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Pause the collector: of 10 000 runs it would walk millions of lists again and again, and find no cycle."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _deliver(table: reports.Table, form: str, output: Path | None) -> None:
    if form == "rich" and output is None:
        Terminal().print(reports.render_rich(table))
        say("".join(f"{problem}\n" for problem in table.problems), nl=False)  # unwrapped, to be copied
        return
    text = _html(table) if form == "html" else _RENDER[form](table) if form in _RENDER else _as_text(table)
    if output is None:
        click.echo(text.encode(), nl=False)  # a file's content, and so UTF-8 whatever the console's encoding
        return
    write_output(output, text, "--output")


def _filtered(records: list[reports.CorpusResult], filters: tuple[str, ...]) -> list[reports.CorpusResult]:
    for text in filters:
        key, equals, values = text.partition("=")
        if key not in _KEYS or not equals:
            raise ConfigError(f"--filter {text}: write it as key=value{did_you_mean(key, _KEYS)}")
        wanted = [value.strip() for value in values.split(",")]
        known = sorted({str(getattr(record, key)) for record in records})
        for value in wanted:
            if value not in known:
                raise ConfigError(f"--filter {text}: no run has the {key} {value!r}{did_you_mean(value, known)}")
        records = [record for record in records if str(getattr(record, key)) in wanted]
    return records


def _html(table: reports.Table) -> str:
    from emonet_bench.report.html import render_html  # noqa: PLC0415 - a template engine is for this format only

    return render_html(table)


def _as_text(table: reports.Table) -> str:
    console = Terminal(width=120)
    with console.capture() as capture:
        console.print(reports.render_rich(table))
    return "\n".join([capture.get().rstrip(), *table.problems]) + "\n"
