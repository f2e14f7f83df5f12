"""``emonet-bench score``: predictions that others made, scored as runs are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import rich_click as click
from click.core import ParameterSource
from rich.table import Table

from emonet_bench.cli.reading import Reading
from emonet_bench.console.outputs import check_kept, check_output, write_form, write_output
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.console.terminal import Terminal, grid
from emonet_bench.errors import ConfigError
from emonet_bench.escaping import json_text
from emonet_bench.library import (
    ExternalScore,
    challenge_submission,
    challenge_template,
    prediction_template,
    score_predictions,
)
from emonet_bench.report import formatting


@click.command()
@click.argument("file", type=PathParam(dir_okay=False), required=False)
@click.option("--corpus", required=True, help="The corpus whose clips were predicted.")
@click.option("--protocol", help="Its protocol, and a label map: speakers:4-class [default: its first].")
@click.option("--fold", type=click.IntRange(0), help="Only this fold was predicted [default: all].")
@click.option("--name", help="What the predictions are called [default: as the file].")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of several sets of one name.")
@click.option(
    "--metric",
    metavar="NAME",
    default="uar",
    show_default="uar; of other targets than labels what selects on dev",
    help="What is compared: uar, accuracy, macro_f1, ..., or uar:anger of one label.",
)
@click.option("--against", type=PathParam(), metavar="DIR", help="Compare with these results.")
@click.option("-o", "--results", type=PathParam(), metavar="DIR", help="Keep them as a row of these.")
@click.option("--template", "form", type=PathParam(), metavar="CSV", help="Write the table to fill in.")
@click.option("--challenge", metavar="NAME", help="Its clips whose truth this challenge hides, not a protocol's.")
@click.option("--submission", type=PathParam(), metavar="CSV", help="Write the table it takes.")
@click.option("--skip-bad-files", is_flag=True, help="Leave bad audio files out, and say how many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def score(
    context: click.RichContext,
    /,
    file: Path | None,
    name: str | None,
    form: Path | None,
    *,
    challenge: str | None,
    submission: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Score the predictions in FILE, that others made, under a protocol of a corpus, as the runs of a matrix are.

    FILE is CSV with the columns utterance and label, or utterance and a number for each label or attribute: a
    probability of labels and votes, a score of label sets, a value. Or JSON lines with utterance and label,
    probabilities, scores or values. It must hold every clip that the protocol tests once, those of all folds.

    Start with --template: it writes the clips, and where their audio lies, as the table to fill in.

    A challenge hides the truth of some clips: with --challenge, --template lists these, and --submission writes the
    predictions in FILE as the table that it takes.
    """
    if (file is None) == (form is None):
        raise ConfigError("give a FILE of predictions, or --template CSV for the table to fill in")
    if challenge is not None or submission is not None:
        _hand_in(context, file, form or submission, options["corpus"], challenge)
        return
    options["plugins"] = context.obj
    with Reading(Terminal(stderr=True)) as reading:
        progress: Callable[[int, int], None] = partial(reading, options["corpus"])
        if form is not None:
            check_output(form, "--template")
            wanted = {key: value for key, value in options.items() if key not in ("seed", "against", "results")}
            write_form(form, prediction_template(**wanted, progress=progress), "--template")
            say(f"{form}: a line for each test clip, to be filled in")
            return
        assert file is not None
        scored = score_predictions(file, name=name or _name_of(file), **options, progress=progress)
    if as_json:
        click.echo(json_text(asdict(scored), indent=2).encode())
        return
    _show(scored)


def _name_of(file: Path) -> str:
    """Call predictions after their file, as far as a name allows: ``my run.csv`` are ``my-run``."""
    return re.sub(r"[^A-Za-z0-9_+-]+", "-", file.stem).strip("-_+") or "predictions"


def _hand_in(
    context: click.RichContext, file: Path | None, written: Path | None, corpus: str, challenge: str | None
) -> None:
    """Write the template of a challenge, or its submission."""
    for name in ("protocol", "fold", "name", "seed", "metric", "against", "results", "skip_bad_files", "as_json"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            flag = {"as_json": "json"}.get(name, name).replace("_", "-")
            raise ConfigError(f"--{flag}: nothing is scored where the truth is hidden; leave it out")
    flag = "--template" if file is None else "--submission"
    if written is None:
        raise ConfigError("--challenge: hides the truth of its clips; give --submission CSV for the table it takes")
    check_output(written, flag)
    check_kept(written, [] if file is None else [file], flag)
    if file is None:
        text = challenge_template(corpus, challenge, plugins=context.obj)
    else:
        text = challenge_submission(file, corpus, challenge, plugins=context.obj)
    (write_form if file is None else write_output)(written, text, flag)
    what = "a line for each hidden clip, to be filled in" if file is None else "the table that the challenge takes"
    say(f"{written}: {what}")


def _show(scored: ExternalScore) -> None:
    console = Terminal()
    folds = f" in {scored.folds} folds" if scored.folds > 1 else ""
    say(f"{scored.name} on {scored.corpus}, {scored.protocol} ({scored.protocol_id}): {scored.clips} test clips{folds}")
    console.print(_scores(scored))
    unit = next(iter(scored.intervals.values()))
    say(f"95 % bootstrap intervals over {unit.units} {unit.unit}.")
    if scored.outside:
        say(f"{scored.outside} values lie outside of their scale; they are scored as they stand")
    if scored.rivals:
        console.print(_rivals(scored))
        say(f"Paired bootstrap over {scored.rivals[0].comparison.unit}; p after Holm's correction.")
    for column in scored.not_compared:
        say(f"not compared: {column}: has no score on all of these clips")
    for path in scored.row:
        say(f"written: {path}")


def _scores(scored: ExternalScore) -> Table:
    table = grid("metric", "score", "interval")
    for metric, value in scored.scores.items():
        interval = scored.intervals.get(metric)
        table.add_row(scored.titles[metric], formatting.number(value), formatting.span(interval))
    for label, recall in scored.recall.items():
        table.add_row(f"recall of {label}", "no clip" if recall is None else formatting.number(recall), "")
    return table


def _rivals(scored: ExternalScore) -> Table:
    table = grid("against", scored.titles[scored.metric], "seeds", "difference", "interval", "p", wrapped=("against",))
    for rival in scored.rivals:
        both = rival.comparison
        interval = f"{both.low:+.3f} to {both.high:+.3f}"
        table.add_row(
            str(rival.column),
            formatting.number(rival.score),
            str(rival.seeds),
            f"{both.difference:+.3f}",
            interval,
            f"{rival.p:.3g}",
        )
    return table
