"""``emonet-bench verify``: do the stated scores follow from the predictions?"""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from emonet_bench.errors import StoreError
from emonet_bench.report.verification import verify as check
from emonet_bench.store import RunStore


@click.command()
@click.argument("results", type=click.Path(path_type=Path), default=Path("results"))
@click.pass_context
def verify(context: click.Context, results: Path) -> None:
    """Recompute every score in RESULTS from the predictions, and check the files against their hashes.

    RESULTS is a results directory, or the directory of a single run. Exit status 1 says that something does not fit.
    Neither the corpora nor torch are needed.
    """
    single = (results / "result.json").is_file()
    runs = [results] if single else RunStore(results).finished()
    if not runs:
        raise StoreError(f"{results}: no run to verify; name the --results of a 'run matrix'")
    verdicts = [check(run) for run in runs]
    for verdict in verdicts:
        for problem in verdict.problems:
            click.echo(f"{verdict.name}: {problem}")
    wrong, failed = sum(bool(v.problems) for v in verdicts), sum(not v.scored for v in verdicts)
    scored = len(verdicts) - failed
    without = f"; {failed} failed runs have no scores" if failed else ""
    click.echo(f"{scored - wrong} of {scored} runs are as stated{without}.")
    if wrong:
        context.exit(1)
