"""``emonet-bench verify``: do the stated scores follow from the predictions, and these from the checkpoints?"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from emonet_bench.cli.options import Tolerance
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.directories import cache_directory
from emonet_bench.errors import StoreError
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report.checking.verification import verify as check
from emonet_bench.report.choice import UAR_CHOICE, wanted_metric
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.store import RunStore

if TYPE_CHECKING:
    from emonet_bench.data.opened_corpus import OpenCorpus
    from emonet_bench.metrics.choice import MetricChoice
    from emonet_bench.report.checking.reevaluation import Reevaluation


@click.command()
@click.argument("results", type=PathParam(), default=Path("results"))
@click.option("--checkpoints", is_flag=True, help="Evaluate each run's checkpoint again, where its corpus is at hand.")
@click.option(
    "--without-weights",
    is_flag=True,
    help="The results were published without them: missing weights are no fault.",
)
@click.option(
    "--tolerance",
    type=Tolerance(),
    default=1e-4,
    show_default=True,
    help="With --checkpoints: largest difference of a probability that is rounding.",
)
@click.pass_context
def verify(
    context: click.Context, results: Path, tolerance: float, *, checkpoints: bool, without_weights: bool
) -> None:
    """Recompute every score in RESULTS from the predictions, and check the files against their hashes.

    RESULTS is a results directory, or the directory of a single run. Exit status 1 says that something does not fit.
    Neither the corpora nor torch are needed, except with --checkpoints.
    """
    if checkpoints and without_weights:
        raise click.UsageError("--checkpoints evaluates the weights; leave one of it and --without-weights away")
    runs = [results] if RunFiles(results).is_run() else RunStore(results).directories()
    if not runs:
        raise StoreError(f"{results}: no run to verify; name the --results of a 'run matrix'")
    choose = _metrics(context.obj or Selection())
    again = _reevaluation(context.obj or Selection(), tolerance) if checkpoints else None
    scored = wrong = repeated = external = 0
    for run in runs:
        verdict = check(run, choose, weights=not without_weights)
        problems = [*verdict.problems]
        if again and verdict.record and not verdict.record.failed:
            found = again(run)
            problems += found.problems
            repeated += found.evaluated
            if found.reason is not None:
                say(f"{verdict.name}: not evaluated again: {found.reason}")
        for line in (*verdict.unchecked, *problems):
            say(f"{verdict.name}: {' '.join(line.split())}")
        scored, wrong = scored + verdict.scored, wrong + bool(problems)
        external += verdict.external
    failed = len(runs) - scored
    without = f"; {failed} failed runs have no scores" if failed else ""
    evaluated = f"; {repeated} checkpoints evaluated again" if again else ""
    elsewhere = (
        f"; {external} hold predictions made elsewhere, which no weights here can give again" if external else ""
    )
    say(f"{scored - wrong} of {scored} runs are as stated{evaluated}{elsewhere}{without}.")
    if wrong:
        context.exit(1)


def _metrics(selection: Selection) -> Callable[[str], MetricChoice]:
    """Look up metrics by name; plugins are loaded when the first is asked for that is no UAR."""
    plugins = cache(lambda: Plugins(selection, corpora=False))
    return cache(lambda name: wanted_metric(name, None if name == str(UAR_CHOICE) else plugins()))


def _reevaluation(selection: Selection, tolerance: float) -> Callable[[Path], Reevaluation]:
    """Load what evaluating takes; each corpus is opened once."""
    from emonet_bench.data.opened_corpus import open_corpus  # noqa: PLC0415 - numpy
    from emonet_bench.report.checking.reevaluation import reevaluate  # noqa: PLC0415 - torch

    plugins = Plugins(selection)

    @cache
    def opened(name: str, protocol: str, sampling_rate: int, skip_bad: bool) -> OpenCorpus:  # noqa: FBT001
        corpus = plugins.corpora[name]
        return open_corpus(corpus, protocol, sampling_rate, cache_directory(), skip_bad=skip_bad)

    return lambda run: reevaluate(run, plugins, opened, tolerance)
