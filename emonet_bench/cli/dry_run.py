"""``emonet-bench run matrix --dry-run``: every cell with its state, and an estimate of time and memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import rich_click as click
from rich.console import Console

from emonet_bench.cli.plan import Plan
from emonet_bench.executors import Workers, ending_workers, worker_count
from emonet_bench.plugins import Selection
from emonet_bench.runs import Cell, RunSpec
from emonet_bench.store import RunStore

if TYPE_CHECKING:
    from emonet_bench.probe import Measured


def show(planned: Plan, selection: Selection, flags: Mapping[str, Any], console: Console) -> None:
    """Print the plan.

    Args:
        planned: The cells.
        selection: Plugins of a probe.
        flags: ``results``, ``jobs``, ``force`` and ``retry_failed`` of the command.
        console: Where a terminal is told to wait.
    """
    store = RunStore(flags["results"])
    states = {cell.run_id: _state(cell, store, flags) for cell in planned.cells}
    open_cells = [cell for cell in planned.cells if states[cell.run_id].startswith("to do")]
    with console.status("trying one training step of each network"):
        costs = _costs(open_cells, selection)
    seconds = {cell.run_id: _seconds(planned, cell, costs) for cell in open_cells}
    width = max(len(cell.spec.title) for cell in planned.cells)
    for cell in planned.cells:
        about = seconds.get(cell.run_id)
        click.echo(f"{cell.spec.title:{width}}  {states[cell.run_id]}{f', about {_told(about)}' if about else ''}")
    counts = Counter(state.partition(":")[0].partition(" (")[0].replace("to do", "to run") for state in states.values())
    click.echo(f"\n{len(planned.cells)} cells: {', '.join(f'{count} {state}' for state, count in counts.items())}.")
    if costs:
        workers = worker_count(flags["jobs"], open_cells[0].spec.training.threads, len(open_cells))
        click.echo(_total([value for value in seconds.values() if value], costs.values(), workers))


def _state(cell: Cell, store: RunStore, flags: Mapping[str, Any]) -> str:
    record = store.record(cell.spec, cell.run_id)
    failed = record is not None and "error" in record
    if cell.skip:
        return f"skipped: {cell.skip}"
    if record is None or flags["force"] or (failed and flags["retry_failed"]):
        return "to do" if cell.wanted else "to do (as a source)"
    return "failed" if failed else "done"


def _kind(spec: RunSpec) -> str:
    """Name what cells have in common that take equally long for each clip."""
    recipe = spec.training.model_dump(
        include={"batch_size", "window", "sampling_rate", "device", "precision", "threads"}
    )
    return json.dumps([spec.architecture, spec.architecture_options, recipe], sort_keys=True)


def _costs(cells: Iterable[Cell], selection: Selection) -> dict[str, Measured]:
    """Probe each kind of cell once, in a process of its own; what breaks there will be told by the run."""
    kinds = {_kind(cell.spec): cell.spec for cell in cells}
    if not kinds:
        return {}
    with ending_workers():
        workers = Workers()
        futures = {kind: workers.submit(_probe, spec, selection) for kind, spec in kinds.items()}
        found = {kind: future.result() for kind, future in futures.items() if future.exception() is None}
        workers.shutdown()
    return {kind: cost for kind, cost in found.items() if cost is not None}


def _probe(spec: RunSpec, selection: Selection) -> Measured | None:
    measured: Measured | None = import_module("emonet_bench.probe").probe(spec, selection)
    return measured


def _seconds(planned: Plan, cell: Cell, costs: Mapping[str, Measured]) -> float | None:
    cost = costs.get(_kind(cell.spec))
    return None if cost is None else cost.seconds * planned.cost(cell)


def _total(seconds: list[float], costs: Iterable[Measured], workers: int) -> str:
    whole = max(sum(seconds) / workers, *seconds)
    memory = max(cost.memory_mb for cost in costs)
    return (
        f"About {_told(whole)} with {workers} at once, training alone; up to {memory / 1024:.1f} GB for each of them."
    )


def _told(seconds: float) -> str:
    """Say a length of time.

    >>> _told(4), _told(90), _told(30_000)
    ('4 s', '2 min', '8.3 h')
    """
    if seconds < 60:  # noqa: PLR2004
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004
