"""``emonet-bench predict``: labels of audio files, without torch."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import rich_click as click

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.model import Providers
from emonet_bench.errors import AudioError, ConfigError

if TYPE_CHECKING:
    from emonet_bench.deploy import Prediction


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
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Files at once [default: the number of cores].")
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
    """
    predictor = Predictor(model, providers, jobs, task)
    bad: list[AudioError] = []

    def failed(error: AudioError) -> None:
        bad.append(error)
        click.echo(f"Skipped: {error}", err=True)

    write = {"table": _table, "csv": _csv, "jsonl": _jsonl}[form]
    names = _watched(files) if _is_quiet(form) else _expanded(files)
    write(predictor, predictor.predict(names, window=window, hop=hop, failed=failed))
    if bad:
        context.exit(1)


def _is_quiet(form: str) -> bool:
    """Tell whether a progress bar has a terminal for itself, where no rows run through it."""
    return sys.stderr.isatty() and (form == "table" or not sys.stdout.isatty())


def _watched(files: tuple[str, ...]) -> Iterator[str]:
    """Yield names of files, with a progress bar on stderr."""
    from rich.console import Console  # noqa: PLC0415 - slow, and not needed in pipes
    from rich.progress import track  # noqa: PLC0415

    names: Iterable[str] = _expanded(files)
    total = None if "-" in files else len(names := list(names))
    yield from track(names, "Listening", total, console=Console(stderr=True), transient=True)


def _expanded(files: tuple[str, ...]) -> Iterator[str]:
    for file in files:
        if file == "-":
            yield from (line for raw in sys.stdin if (line := raw.rstrip("\r\n")))
        elif Path(file).is_dir():
            yield from _audio_in(Path(file))
        else:
            yield file


def _audio_in(folder: Path) -> list[str]:
    import soundfile  # noqa: PLC0415 - only folders need it

    suffixes = {f".{name.lower()}" for name in soundfile.available_formats()} | {".aif", ".oga", ".opus"}
    found = sorted(str(path) for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    if not found:
        raise ConfigError(f"{folder}: holds no audio files")
    return found


def _csv(predictor: Predictor, predictions: Iterable[Prediction]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "start", "end", "prediction", *predictor.labels])
    for row in predictor.rows(predictions):
        writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in row.values()])
        sys.stdout.flush()


def _jsonl(predictor: Predictor, predictions: Iterable[Prediction]) -> None:
    for one in predictions:
        probabilities = dict(zip(predictor.labels, one.probabilities.tolist(), strict=True))
        row = {"file": one.file, "start": one.start, "end": one.end, "prediction": one.label}
        click.echo(json.dumps({**row, "probabilities": probabilities}, ensure_ascii=False))


def _table(_: Predictor, predictions: Iterable[Prediction]) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow, and only tables need it
    from rich.table import Column, Table  # noqa: PLC0415

    table = Table(Column("file", overflow="fold"), "start", "end", "prediction", "probability")
    for one in predictions:
        table.add_row(one.file, f"{one.start:.2f}", f"{one.end:.2f}", one.label, f"{one.probabilities.max():.3f}")
    if table.row_count:
        Console().print(table)
