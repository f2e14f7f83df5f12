"""What ``predict`` says beside its results: a progress bar, and notes on what a model hears and may be used for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from emonet_bench.console.streams import say
from emonet_bench.deploy.licence import restricts_use

if TYPE_CHECKING:
    from rich.progress import Progress

    from emonet_bench.deploy import Prediction, Predictor


def is_quiet(form: str, output: Path | None) -> bool:
    """Tell whether a progress bar has a terminal for itself, where no rows run through it."""
    return sys.stderr.isatty() and (form == "table" or output is not None or not sys.stdout.isatty())


def bar_of(groups: Iterable[Sequence[str]]) -> Progress:
    """Make a bar on stderr that counts files."""
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415 - slow, and not needed in pipes

    from emonet_bench.console.terminal import Terminal  # noqa: PLC0415

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    bar = Progress(*columns, console=Terminal(stderr=True), transient=True, redirect_stdout=False)
    bar.add_task("Listening", total=sum(map(len, groups)) if isinstance(groups, Sequence) else None)
    return bar


def watched(predictions: Iterable[Prediction], bar: Progress) -> Iterator[Prediction]:
    """Yield predictions while a bar is shown; the first of each file moves it."""
    with bar:
        for one in predictions:
            if not one.start:
                bar.advance(bar.task_ids[0])
            yield one


def noted(predictor: Predictor, predictions: Iterable[Prediction], window: float | None) -> Iterator[Prediction]:
    """Yield predictions, and say it once where one stands for more than the model has heard, or heard at once."""
    from emonet_bench.deploy.stretches import LONGEST  # noqa: PLC0415 - numpy

    centre, said = predictor.centre, False
    for one in predictions:
        seconds = one.end - one.start - 1e-6  # rounded
        if not said and centre and seconds > centre:
            say(f"Note: of a longer stretch the model hears {centre} s in its middle; try --window {centre}", err=True)
            said = True
        if not said and not centre and window is None and seconds > LONGEST:
            say(
                f"Note: of what lasts more than {LONGEST:g} s, the mean over parts of it is told; try a --window",
                err=True,
            )
            said = True
        yield one


def noted_if_empty(segments: Iterable[Prediction], scored: Mapping[str, float]) -> Iterator[Prediction]:
    """Yield segments, and say it where there are none though recordings were scored."""
    left = False
    for one in segments:
        left = True
        yield one
    if scored and not left:
        say("Note: --gate and --min-duration leave no segment; lower them", err=True)


def say_terms(predictor: Predictor, task: str | None) -> None:
    """Say it where the audio that a model was trained on is licensed for research, or for no commercial use."""
    from emonet_bench.deploy.metadata import of_task  # noqa: PLC0415 - numpy

    corpus, licence = (of_task(predictor.metadata.get(name, ""), task) for name in ("corpus", "licence"))
    if restricts_use(licence):
        say(f"Note: the model was trained on {corpus}, whose licence restricts its use: {licence}", err=True)
