"""``emonet-bench reproduce``: train a run's specification again and compare."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from emonet_bench.cli.consoles import say
from emonet_bench.config import parse
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.plugins.loading import Selection
from emonet_bench.report.comparison import Reproduction, compare_records
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import CHECKPOINT, RunStore, checkpoint_hash, read_record


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--results",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reproduced"),
    show_default=True,
    help="Where the repetition is written.",
)
@click.option("--source", type=click.Path(path_type=Path), help="The source's run or checkpoint [default: beside RUN].")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Largest difference of a score that still counts as reproduced.",
)
@click.pass_context
def reproduce(context: click.Context, run: Path, results: Path, source: Path | None, tolerance: float) -> None:
    """Train the specification of the directory RUN again, in a directory of its own, and compare the scores.

    The corpus must be on this disk. Exit status 1 says that a score differs by more than the tolerance.
    """
    from emonet_bench.matrix.cell import Job, run_cell  # noqa: PLC0415 - torch

    record = read_record(run)
    if "scores" not in record:
        raise ConfigError(f"{run}: this run failed, so there is nothing to compare with")
    spec = parse(RunSpec, record["spec"], f"{run / 'result.json'}: spec")
    store = RunStore(results)
    if store.path(spec, record["run_id"]).resolve() == run.resolve():
        raise ConfigError(f"--results {results}: RUN itself lies there; give another directory")
    start = _source(run, spec, source)
    cell = Cell(spec, record["run_id"], source=spec.source)
    skipped = run_cell(Job(cell, context.obj or Selection(), results, start, again=True))
    if skipped:
        raise ConfigError(f"{run}: {skipped}")
    repeated = read_record(store.path(spec, record["run_id"]))
    if "error" in repeated:
        raise ConfigError(f"{run}: the repetition failed ({repeated['error']['type']}: {repeated['error']['message']})")
    found = compare_records(record, repeated)
    _tell(found)
    if found.difference > tolerance:
        context.exit(1)


def _source(run: Path, spec: RunSpec, given: Path | None) -> Path | None:
    """Find the checkpoint that the run started from, by its run id or its hash.

    Raises:
        ConfigError: It is not there, or another one.
    """
    if spec.source is None:
        return None
    beside = sorted(run.resolve().parent.glob(f"*-{spec.source[:8]}"))
    found = given or (beside[0] if beside else None)
    if found is None:
        raise ConfigError(f"{run}: its source {spec.source[:8]} does not lie beside it; name it with --source")
    if spec.source not in _identities(found):
        raise ConfigError(f"--source {found}: not the source of {run} ({spec.source[:8]})")
    return found


def _identities(source: Path) -> set[str]:
    """Return what a source may be called: its hash and, of a run, its id."""
    try:
        names = {checkpoint_hash(source)}
    except StoreError as error:
        raise ConfigError(f"{source}: holds no {CHECKPOINT} to start from") from error
    return names | ({str(read_record(source)["run_id"])} if source.is_dir() else set())


def _tell(found: Reproduction) -> None:
    for name, (stated, repeated) in found.scores.items():
        say(f"{name}: {stated:.6f}, now {repeated:.6f}" + ("" if stated == repeated else "  (differs)"))
    for line in found.context:
        say(f"differs: {line}")
    if found.identical:
        say("Predictions and weights are identical to the last bit.")
    elif found.difference == 0:
        say("All scores are the same.")
    else:
        say(f"The scores differ by {found.difference:.6f} at most.")
