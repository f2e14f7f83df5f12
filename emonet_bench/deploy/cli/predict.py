"""``emonet-predict predict``: labels of audio files, or of a stream, without torch."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emonet_bench.console.outputs import check_kept, naming
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.deploy.cli import options
from emonet_bench.deploy.cli.annotation_files import SUFFIXES, AnnotationFolder, annotation, with_ends
from emonet_bench.deploy.cli.checks import check_inputs, check_outputs, is_timeline, needs_folder
from emonet_bench.deploy.cli.formats import (
    FORMATS,
    print_table,
    write_csv,
    write_parquet,
)
from emonet_bench.deploy.cli.inputs import STDIN, groups_of_names
from emonet_bench.deploy.cli.output import opened
from emonet_bench.deploy.cli.progress import bar_of, is_quiet, noted, noted_if_empty, say_terms, watched
from emonet_bench.deploy.cli.resume import NOTHING, Done, read_done, said_again
from emonet_bench.errors import AudioError, ConfigError
from emonet_bench.escaping import one_line
from emonet_bench.files import atomic_path

if TYPE_CHECKING:
    from emonet_bench.deploy import Prediction, Predictor


@click.command()
@click.argument("model", type=PathParam())
@click.argument("files", nargs=-1, metavar="FILES|FOLDERS|-")
@click.option("--task", metavar="NAME", help="Which corpus's labels, where MODEL is a bank of several.")
@click.option("--window", type=float, metavar="S", help="Score stretches of so many seconds each for itself.")
@click.option("--hop", type=float, metavar="S", help="Seconds from one stretch to the next [default: the window].")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", *FORMATS, *SUFFIXES, "parquet"]),
    help="csv and jsonl come line by line, with the probability of each label; rttm, textgrid and webvtt are timelines "
    "[default: table; with --stream jsonl].",
)
@click.option(
    "-o",
    "--output",
    type=PathParam(),
    metavar="FILE|DIR",
    help="Write into a file; of textgrid and webvtt one for each of several FILES into a folder.",
)
@click.option("--resume", is_flag=True, help="Add to the --output (csv, jsonl), line by line, what it lacks.")
@click.option("--timeline", is_flag=True, help="Join neighbouring stretches of one label.")
@click.option("--smooth", type=float, default=0.0, metavar="S", help="Timeline: mean over so many seconds.")
@click.option("--min-duration", type=float, default=0.0, metavar="S", help="Timeline: shortest segment.")
@click.option(
    "--gate",
    type=options.Gate(),
    metavar="DB|silero",
    help="Timeline: leave out what is quieter, 0 being full scale and speech about -30; or what is no speech, by the "
    "Silero VAD.",
)
@click.option("--stream", is_flag=True, help="Score audio from standard input while it arrives; no FILES.")
@click.option(
    "--encoding",
    type=click.Choice(["wav", "s16le", "f32le"]),
    default="wav",
    show_default=True,
    help="Of the stream; all but wav are raw PCM.",
)
@click.option("--rate", type=int, metavar="HZ", help="Sampling rate of raw PCM [default: the model's].")
@click.option("--channels", type=int, metavar="N", help="Interleaved channels of raw PCM [default: 1].")
@options.jobs
@options.providers
@options.abstain
@click.pass_context
def predict(context: click.Context, /, model: Path, files: tuple[str, ...], form: str | None, **given: Any) -> None:
    """Name the emotion in audio files with MODEL, a file that `emonet-bench export` wrote.

    FOLDERS are searched for audio; `-` reads names of files from standard input, one in a line, and answers each as it
    comes. Files that cannot be read are reported and passed over; the exit status is then 1.

    A model trained to hear a centre window (`show` tells its `window`, and no `hop`) scores the middle of a longer
    stretch only, whatever the times beside it: give a --window that is no longer.
    """
    from emonet_bench.deploy import Predictor  # noqa: PLC0415 - onnxruntime
    from emonet_bench.deploy.cli.live import streamed  # noqa: PLC0415 - numpy
    from emonet_bench.deploy.voice_activity import VoiceActivity  # noqa: PLC0415

    form = form or ("jsonl" if given["stream"] else "table")
    given["output"] = None if given["output"] == Path("-") else given["output"]  # standard output
    check_inputs(context, files, given)
    check_outputs(form, files, given)
    check_kept(given["output"], [model, *files], "--output")
    level = VoiceActivity() if given["gate"] == options.SILERO else None
    predictor = Predictor(
        model, given["providers"], given["jobs"], given["task"], abstain=given["abstain"], level=level
    )
    done = NOTHING
    folder = _folder(form, files, given["output"])
    bad: list[AudioError] = []
    statuses: list[int] = []
    if given["stream"]:
        found = streamed(predictor, given, statuses.append)
    else:
        groups = _groups(files, folder, given["output"])
        if given["resume"]:
            done = read_done(given["output"], form, predictor.columns, _is_asked(groups, given))
        found = _scored(predictor, _missing(groups, done), form, given, bad)
    say_terms(predictor, given["task"])
    ends: dict[str, float] = {}
    noticed = with_ends(noted(predictor, found, given["window"]), ends)
    told = _as_timeline(predictor, noticed, form, given, ends)
    if form in SUFFIXES:
        _annotate(told, ends, form, folder or given["output"])
    else:
        _write(predictor, told, form, given, done)
    if bad or statuses:
        context.exit(statuses[0] if statuses else 1)


def _folder(form: str, files: Sequence[str], output: Path | None) -> AnnotationFolder | None:
    return AnnotationFolder(output, form, files) if output and needs_folder(form, files, output) else None


def _groups(files: Sequence[str], folder: AnnotationFolder | None, output: Path | None) -> Iterable[list[str]]:
    """Expand the arguments: into a list, unless some come from standard input while others are scored."""
    if STDIN in files:
        return groups_of_names(files)
    groups = list(groups_of_names(files))
    check_kept(output, chain.from_iterable(groups), "--output")
    if folder:
        folder.check(chain.from_iterable(groups))
    return groups


def _is_asked(groups: Iterable[list[str]], given: Mapping[str, Any]) -> Callable[[str], bool]:
    """Tell of a file whether it is to be scored again: not where nobody asks, and of names to come it has all lines."""
    if not isinstance(groups, list):
        return lambda _: given["window"] is not None
    names = frozenset(chain.from_iterable(groups))
    return lambda name: name in names


def _missing(groups: Iterable[list[str]], done: Done) -> Iterable[list[str]]:
    """Leave out what is done; a list stays one, so that a progress bar knows its end."""
    if not done.files:
        return groups
    missing = ([name for name in names if name not in done.files] for names in groups)
    return [*missing] if isinstance(groups, list) else missing


def _scored(
    predictor: Predictor, groups: Iterable[list[str]], form: str, given: dict[str, Any], bad: list[AudioError]
) -> Iterator[Prediction]:
    """Score files; those that cannot be used are told, and added to ``bad``."""
    bar = bar_of(groups) if is_quiet(form, given["output"]) else None

    def failed(error: AudioError) -> None:
        bad.append(error)
        say(f"Skipped: {one_line(str(error))}", err=True)
        if bar:
            bar.advance(bar.task_ids[0])

    window, hop = given["window"], given["hop"]
    found = chain.from_iterable(predictor.predict(names, window=window, hop=hop, failed=failed) for names in groups)
    return watched(found, bar) if bar else found


def _as_timeline(
    predictor: Predictor,
    predictions: Iterable[Prediction],
    form: str,
    given: dict[str, Any],
    ends: Mapping[str, float],
) -> Iterable[Prediction]:
    if not is_timeline(form, given):
        return predictions
    if predictor.model.output != "probabilities":
        raise ConfigError(f"--timeline: joins labels, and the model tells {predictor.model.output}; leave it out")
    from emonet_bench.deploy.abstention import abstain_below  # noqa: PLC0415 - numpy
    from emonet_bench.deploy.timeline import Timeline  # noqa: PLC0415 - not for other formats
    from emonet_bench.deploy.voice_activity import SPEECH  # noqa: PLC0415

    threshold = abstain_below(predictor.metadata) if given["abstain"] else None
    gate = SPEECH if given["gate"] == options.SILERO else given["gate"]
    rules = Timeline(predictor.labels, given["smooth"], given["min_duration"], gate, threshold)
    return noted_if_empty(rules.segments(predictions), ends)


def _annotate(
    segments: Iterable[Prediction], ends: Mapping[str, float], form: str, output: AnnotationFolder | Path | None
) -> None:
    """Write segments in a format that holds one recording: several into a folder."""
    if isinstance(output, AnnotationFolder):
        output.write(segments, ends)
        return
    known = [*segments]
    with opened(output, NOTHING, resume=False) as stream:
        stream.writelines(annotation(form, known, end) for end in ends.values())


def _write(predictor: Predictor, found: Iterable[Prediction], form: str, given: dict[str, Any], done: Done) -> None:
    output: Path | None = given["output"]
    if form == "table":
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")
        print_table(predictor, found)
    elif form == "parquet":
        assert output is not None
        with naming(output, "--output"), atomic_path(output) as temporary:
            write_parquet(predictor, found, temporary)
    else:
        if given["resume"]:
            assert output is not None
            told = said_again(found, done, output)
            found = chain([*islice(told, 1)], told)  # held to what stands there before that is touched
        with opened(output, done, resume=given["resume"]) as stream:
            if form == "csv":
                write_csv(predictor, found, stream, head=not done.size)
            else:
                FORMATS[form](predictor, found, stream)
