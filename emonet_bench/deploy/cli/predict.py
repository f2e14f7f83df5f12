"""``emonet-predict predict``: labels of audio files, without torch."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, get_args

import click

from emonet_bench.console.streams import say
from emonet_bench.deploy.providers import Providers
from emonet_bench.errors import AudioError, ConfigError
from emonet_bench.escaping import printable
from emonet_bench.folders import files_in
from emonet_bench.types import AUDIO_SUFFIXES

if TYPE_CHECKING:
    from rich.progress import Progress

    from emonet_bench.deploy import Prediction, Predictor


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("files", nargs=-1, required=True, metavar="FILES|FOLDERS|-")
@click.option("--task", metavar="NAME", help="Which corpus's labels, where MODEL is a bank of several.")
@click.option("--window", type=float, metavar="S", help="Score stretches of so many seconds each for itself.")
@click.option("--hop", type=float, metavar="S", help="Seconds from one stretch to the next [default: the window].")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "jsonl"]),
    default="table",
    show_default=True,
    help="csv and jsonl come line by line, with the probability of each label.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Files, or stretches of a file, at once [default: the number of cores].",
)
@click.option(
    "--providers",
    type=click.Choice(get_args(Providers)),
    default="auto",
    show_default=True,
    help="Where to compute; auto: on a GPU where onnxruntime can.",
)
@click.pass_context
def predict(
    context: click.Context,
    model: Path,
    files: tuple[str, ...],
    task: str | None,
    window: float | None,
    hop: float | None,
    form: str,
    jobs: int | None,
    providers: Providers,
) -> None:
    """Name the emotion in audio files with MODEL, a file that `emonet-bench export` wrote.

    FOLDERS are searched for audio; `-` reads names of files from standard input, one in a line. Files that cannot be
    read are reported and passed over; the exit status is then 1.

    A model trained to hear a centre window (`show` tells its `window`, and no `hop`) scores the middle of a longer
    stretch only, whatever the times beside it: give a --window that is no longer.
    """
    from emonet_bench.deploy import Predictor  # noqa: PLC0415 - onnxruntime

    predictor = Predictor(model, providers, jobs, task)
    names = _expanded(files)
    bar = _bar(names) if _is_quiet(form) else None
    bad: list[AudioError] = []

    def failed(error: AudioError) -> None:
        bad.append(error)
        say(f"Skipped: {error}", err=True)
        if bar:
            bar.advance(bar.task_ids[0])

    write = {"table": _table, "csv": _csv, "jsonl": _jsonl}[form]
    found = _noted(predictor, predictor.predict(names, window=window, hop=hop, failed=failed))
    write(predictor, _watched(found, bar) if bar else found)
    if bad:
        context.exit(1)


def _is_quiet(form: str) -> bool:
    """Tell whether a progress bar has a terminal for itself, where no rows run through it."""
    return sys.stderr.isatty() and (form == "table" or not sys.stdout.isatty())


def _bar(names: Iterable[str]) -> Progress:
    """Make a bar on stderr that counts files."""
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415 - slow, and not needed in pipes

    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    bar = Progress(*columns, console=Terminal(stderr=True), transient=True, redirect_stdout=False)
    bar.add_task("Listening", total=len(names) if isinstance(names, Sequence) else None)
    return bar


def _watched(predictions: Iterable[Prediction], bar: Progress) -> Iterator[Prediction]:
    """Yield predictions while a bar is shown; the first of each file moves it."""
    with bar:
        for one in predictions:
            if not one.start:
                bar.advance(bar.task_ids[0])
            yield one


def _noted(predictor: Predictor, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    """Yield predictions, and say it once where the model did not hear all that one stands for."""
    heard = predictor.centre
    for one in predictions:
        if heard and one.end - one.start > heard + 1e-6:  # seconds, rounded
            say(f"Note: of a longer stretch the model hears {heard} s in its middle; try --window {heard}", err=True)
            heard = None
        yield one


def _expanded(files: Sequence[str]) -> Iterable[str]:
    """Return the names of all files: a list, unless some come from standard input while others are scored.

    Raises:
        ConfigError: An argument stands for no file.
    """
    parts = [_named_by(file) for file in files]
    names = chain.from_iterable(parts)
    return names if "-" in files else list(names)


def _named_by(argument: str) -> Iterable[str]:
    if argument == "-":
        return _from_stdin()
    if not argument:
        raise ConfigError("FILES: one of them is an empty name; leave it out, or give . for the folder you are in")
    return _audio_in(Path(argument)) if os.path.isdir(argument) else [argument]  # noqa: PTH112 - Path's may raise


def _from_stdin() -> Iterable[str]:
    if sys.stdin is None:  # as Python has it where it is closed
        raise ConfigError("-: standard input is closed; name files or folders instead")
    _take_any_name(sys.stdin)
    return (line for raw in sys.stdin if (line := raw.rstrip("\r\n")))


def _take_any_name(stream: TextIO) -> None:
    """Let names through a stream that are not in its encoding, byte by byte."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="surrogateescape")


def _audio_in(folder: Path) -> list[str]:
    found = sorted(str(path) for path in files_in(folder) if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    if not found:
        raise ConfigError(f"{folder}: holds no audio files")
    return found


def _csv(predictor: Predictor, predictions: Iterable[Prediction]) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's content, and so UTF-8; names come out as they came in
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(predictor.columns)
    for row in predictor.rows(predictions):
        writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row.values()])
        sys.stdout.flush()


def _jsonl(predictor: Predictor, predictions: Iterable[Prediction]) -> None:
    output = predictor.model.output
    for one in predictions:
        told = dict(zip(predictor.labels, one.row.tolist(), strict=True))
        label = {"prediction": one.label} if one.label else {}
        text = json.dumps(
            {"file": one.file, "start": one.start, "end": one.end, **label, output: told}, ensure_ascii=False
        )
        click.echo(text.encode(errors="backslashreplace"))  # a name that is not UTF-8 is escaped, as JSON does it


def _table(predictor: Predictor, predictions: Iterable[Prediction]) -> None:
    from rich.markup import escape  # noqa: PLC0415 - slow, and only tables need it
    from rich.table import Column, Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415

    _take_any_name(sys.stdout)
    labelled = predictor.model.output == "probabilities"
    told = ["prediction", "probability"] if labelled else list(map(printable, predictor.labels))
    table = Table(Column("file", overflow="fold"), "start", "end", *map(escape, told))
    for one in predictions:
        numbers = [f"{one.probabilities.max():.3f}"] if labelled else [f"{value:.3f}" for value in one.row]
        cells = [f"{one.start:.2f}", f"{one.end:.2f}", *([printable(one.label)] if labelled else []), *numbers]
        table.add_row(*map(Text, [printable(one.file), *cells]))  # escaped before it is measured
    if table.row_count:
        Terminal().print(table)
