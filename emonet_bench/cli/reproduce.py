"""``emonet-bench reproduce``: train a run's specification again and compare."""

from __future__ import annotations

import glob
import math
from collections.abc import Sequence
from pathlib import Path

import rich_click as click

from emonet_bench.cli.options import Tolerance
from emonet_bench.console.paths import PathParam
from emonet_bench.console.streams import say
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.matrix.resources import check_device
from emonet_bench.plugins.loading import Selection
from emonet_bench.report.checking.comparison import Reproduction, compare_records
from emonet_bench.report.checking.verification import verify
from emonet_bench.runs.files import CHECKPOINT, RunFiles, file_hash
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore

_SHOWN = (" uar", " accuracy", " macro_f1")
"""What is printed even where it is the same."""


@click.command()
@click.argument("run", type=PathParam(file_okay=False))
@click.option(
    "--results",
    type=PathParam(file_okay=False),
    default=Path("reproduced"),
    show_default=True,
    help="Where the repetition is written.",
)
@click.option("--source", type=PathParam(), help="The source's run or checkpoint [default: beside RUN].")
@click.option(
    "--tolerance",
    type=Tolerance(),
    default=0.0,
    show_default=True,
    help="Largest difference of a score that still counts as reproduced.",
)
@click.pass_context
def reproduce(context: click.Context, run: Path, results: Path, source: Path | None, tolerance: float) -> None:
    """Train the specification of the directory RUN again, in a directory of its own, and compare the scores.

    The corpus must be on this disk. Exit status 1 says that a score differs by more than the tolerance, or that RUN
    does not state one. A run that lies in --results already is never replaced.
    """
    from emonet_bench.matrix.cells.cell import run_cell  # noqa: PLC0415 - torch
    from emonet_bench.matrix.cells.job import Job  # noqa: PLC0415 - torch

    record = RunFiles(run).read_record()
    if record.failed:
        raise ConfigError(f"{run}: this run failed, so there is nothing to compare with")
    if record.spec.external is not None:
        raise ConfigError(f"{run}: its predictions were made elsewhere; 'emonet-bench verify' checks its scores")
    spec, store = record.spec, RunStore(results)
    check_device(spec.training.device, f"{run}: it was trained on {spec.training.device}, and bits differ elsewhere")
    _check_free(store, record, run)
    start = _source(run, spec, source)
    cell = Cell(spec, record.run_id, source=spec.source)
    skipped = run_cell(Job(cell, context.obj or Selection(), results, start, again=True))
    if skipped:
        raise ConfigError(f"{run}: {skipped}")
    repeated = store.record(spec, record.run_id)
    if repeated is None or repeated.error is not None:
        reason = (
            f"{repeated.error.type}: {repeated.error.message}" if repeated and repeated.error else "it left no result"
        )
        raise ConfigError(f"{run}: the repetition failed ({' '.join(reason.split())})")
    found = compare_records(record, repeated)
    _tell(found, verify(run).problems)
    if not found.difference <= tolerance:
        context.exit(1)


def _check_free(store: RunStore, record: RunRecord, run: Path) -> None:
    """Hold the place of the repetition to be free: RUN may say of itself that it is any other one.

    Raises:
        ConfigError: A finished run lies there.
    """
    place = store.path(record.spec, record.run_id)
    if place.resolve() == run.resolve():
        raise ConfigError(f"--results {store.root}: RUN itself lies there; give another directory")
    if RunFiles(place).is_run() and not RunFiles(place).read_record().failed:
        raise ConfigError(f"{place}: lies there already; delete it, or give another directory with --results")


def _source(run: Path, spec: RunSpec, given: Path | None) -> Path | None:
    """Find the checkpoint that the run started from, by its run id or its hash.

    Raises:
        ConfigError: It is not there, or another one; or there is none, and one was given.
    """
    if spec.source is None:
        if given is not None:
            raise ConfigError(f"--source {given}: {run} started from no other run; leave it out")
        return None
    beside = sorted(run.resolve().parent.glob(f"*-{glob.escape(spec.source[:8])}"))
    found = given or (beside[0] if beside else None)
    if found is None:
        raise ConfigError(f"{run}: its source {spec.source[:8]} does not lie beside it; name it with --source")
    if spec.source not in _identities(found):
        raise ConfigError(f"--source {found}: not the source of {run} ({spec.source[:8]})")
    return found


def _identities(source: Path) -> set[str]:
    """Return what a source may be called: its hash and, of a run, its id."""
    try:
        names = {file_hash(source)}
    except StoreError as error:
        raise ConfigError(f"{source}: holds no {CHECKPOINT} to start from") from error
    return names | ({RunFiles(source).read_record().run_id} if source.is_dir() else set())


def _tell(found: Reproduction, problems: Sequence[str]) -> None:
    for name, (stated, repeated) in found.scores.items():
        if stated != repeated or name.endswith(_SHOWN):
            say(f"{name}: {_number(stated)}, now {_number(repeated)}{'' if stated == repeated else '  (differs)'}")
    for line in found.context:
        say(f"differs: {line}")
    for problem in problems:
        say(f"RUN itself: {problem}")
    if found.identical and not problems:
        say("Predictions and weights are identical to the last bit.")
    elif found.difference == 0:
        say("All scores are the same.")
    elif math.isinf(found.difference):
        say("Not all that is stated by one of the two is stated by the other.")
    else:
        say(f"The scores differ by {found.difference:.6f} at most.")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
