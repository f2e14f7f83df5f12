"""``emonet-bench report``: a results directory as a table."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import rich_click as click

from emonet_bench import report as reports
from emonet_bench.cli.shell import Shell
from emonet_bench.config import parse
from emonet_bench.console.outputs import write_output
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.console.terminal import Terminal
from emonet_bench.errors import ConfigError, PluginError
from emonet_bench.matrix.planning.overrides import read_setting
from emonet_bench.plugins.loading import Plugins
from emonet_bench.report.choice import UAR_CHOICE, Wanted
from emonet_bench.validation_messages import did_you_mean

Render = Callable[[reports.Table], str]

TERMINAL = "rich"
"""The format that is no file's: a table on the terminal."""

_KEYS = ("corpus", "protocol", "architecture", "strategy", "seed")


@click.command()
@click.argument("results", type=PathParam(), default=Path("results"))
@click.option(
    "--format",
    "form",
    metavar="FORM",
    default=TERMINAL,
    show_default=True,
    help="rich, markdown, latex, csv, json or html; plugins offer more.",
)
@click.option("--format-option", multiple=True, metavar="KEY=VALUE", help="An option of the format. Repeatable.")
@click.option("-o", "--output", type=PathParam(dir_okay=False), help="Write to a file.")
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
@click.option("--details", is_flag=True, help="Say below the table what each search has chosen.")
@click.pass_context
def report(
    context: click.RichContext,
    /,
    results: Path,
    form: str,
    format_option: tuple[str, ...],
    output: Path | None,
    metric: str,
    baseline: str,
    filters: tuple[str, ...],
    *,
    details: bool,
    **arrangement: Any,
) -> None:
    """Show the results of a matrix: corpora against architectures and strategies.

    RESULTS is a results directory, or the directory of a single run. Folds are pooled and scored once for each seed;
    runs of different protocols never share a row.
    """
    render = _renderer(context, form, format_option)
    with _collecting_nothing():
        records = _filtered(reports.load(results), filters)
        table = reports.summarise(records, _chosen(context, metric), baseline)
        if details:
            chosen = reports.search_details(table.rows, table.groups)
            table = replace(table, notes=(*table.notes, *chosen))
        table = reports.arranged(table, **arrangement)
        _deliver(table, render, output)


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


def _plugins(context: click.RichContext) -> Plugins:
    """Return the plugins that the options before the command select."""
    shell = context.find_root().command
    return shell.plugins(context) if isinstance(shell, Shell) else Plugins(corpora=False)


def _chosen(context: click.RichContext, metric: str) -> Wanted:
    """Look up a metric; no plugin is loaded for the UAR."""
    return metric if metric == str(UAR_CHOICE) else reports.wanted_metric(metric, _plugins(context))


def _renderer(context: click.RichContext, form: str, settings: tuple[str, ...]) -> Render | None:
    """Find how a table is written down; None: it is shown on the terminal.

    Raises:
        ConfigError: No plugin knows the format, or an option is wrong.
    """
    given = dict(read_setting(text, "--format-option", "digits=3") for text in settings)
    if form == TERMINAL:
        if given:
            raise ConfigError(f"--format-option {settings[0]}: the terminal's table has no options; name a --format")
        return None
    known = _plugins(context).report_formats
    if form not in known:
        raise ConfigError(f"--format {form}: no plugin offers it{did_you_mean(form, [TERMINAL, *known])}")
    options = parse(known[form].options, given, f"--format-option {form}")

    def render(table: reports.Table) -> str:
        text: Any = known[form].render(table, options)
        if not isinstance(text, str):
            raise PluginError(f"plugin {known.origin(form)}: format {form} must return text; got {type(text).__name__}")
        return text.encode(errors="backslashreplace").decode()  # a lone surrogate has no form in a file

    return render


def _deliver(table: reports.Table, render: Render | None, output: Path | None) -> None:
    if render is None and output is None:
        Terminal().print(reports.render_rich(table))
        say("".join(f"{problem}\n" for problem in table.problems), nl=False)  # unwrapped, to be copied
        return
    text = _as_text(table) if render is None else render(table)
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


def _as_text(table: reports.Table) -> str:
    console = Terminal(width=120)
    with console.capture() as capture:
        console.print(reports.render_rich(table))
    return "\n".join([capture.get().rstrip(), *table.problems]) + "\n"
