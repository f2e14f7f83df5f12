"""``emonet-bench run matrix --dry-run``: every cell with its state, and an estimate of time and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from rich.console import Console

from emonet_bench.cli.consoles import say
from emonet_bench.cli.plan import PlannedMatrix
from emonet_bench.matrix.cost import Cost, cached_cost, cost_key, duration, store_cost
from emonet_bench.matrix.executors import Workers, ending_workers, worker_count
from emonet_bench.matrix.scheduler import needless
from emonet_bench.plugins.loading import Selection
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore


def show(planned: PlannedMatrix, selection: Selection, flags: Mapping[str, Any], console: Console) -> None:
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
    for cell in needless(open_cells):
        states[cell.run_id] = "not needed: no cell that is left to run starts from it"
        open_cells.remove(cell)
    with console.status("trying one training step of each network"):
        costs = _costs(planned, open_cells, selection)
    seconds = {cell.run_id: _seconds(planned, cell, costs) for cell in open_cells}
    width = max(len(cell.spec.title) for cell in planned.cells)
    for cell in planned.cells:
        about = seconds.get(cell.run_id)
        say(f"{cell.spec.title:{width}}  {states[cell.run_id]}{f', about {duration(about)}' if about else ''}")
    counts = Counter(state.partition(":")[0].partition(" (")[0].replace("to do", "to run") for state in states.values())
    say(f"\n{len(planned.cells)} cells: {', '.join(f'{count} {state}' for state, count in counts.items())}.")
    if costs:
        workers = worker_count(flags["jobs"], open_cells[0].spec.training.threads, len(open_cells))
        say(_total([value for value in seconds.values() if value], costs.values(), workers))


def _state(cell: Cell, store: RunStore, flags: Mapping[str, Any]) -> str:
    if cell.skip:
        return f"skipped: {cell.skip}"
    record = store.record(cell.spec, cell.run_id)
    failed = record is not None and record.failed
    if record is None or flags["force"] or (failed and flags["retry_failed"]):
        return "to do" if cell.wanted else "to do (as a source)"
    return "failed" if failed else "done"


def _costs(planned: PlannedMatrix, cells: Iterable[Cell], selection: Selection) -> dict[str, Cost]:
    """Say what each kind of cell costs. What was not known is probed, and what breaks then will be told by the run."""
    plugins = planned.plugins.architectures
    trained = [cell.spec for cell in cells if plugins[cell.spec.architecture].fit is None and not cell.spec.evaluate]
    kinds = {cost_key(spec): spec for spec in trained}
    found: dict[str, Cost] = {}
    with ending_workers():
        for name, spec in kinds.items():
            version = plugins.origin(spec.architecture).version
            measured = cached_cost(name, version)
            if measured is None and (measured := _probed(spec, selection)) is not None:
                store_cost(name, version, measured)
            if measured is not None:
                found[name] = measured
    return found


def _probed(spec: RunSpec, selection: Selection) -> Cost | None:
    """Probe in a new process: only so is its memory that of this kind, and its time not shared with others."""
    workers = Workers()
    future = workers.submit(_probe, spec, selection)
    measured = future.result() if future.exception() is None else None
    workers.shutdown()
    return measured


def _probe(spec: RunSpec, selection: Selection) -> Cost:
    measured: Cost = import_module("emonet_bench.matrix.cost_probe").probe(spec, selection)  # torch stays in the worker
    return measured


def _seconds(planned: PlannedMatrix, cell: Cell, costs: Mapping[str, Cost]) -> float | None:
    cost = costs.get(cost_key(cell.spec))
    return None if cost is None else cost.seconds * planned.cost(cell)


def _total(seconds: list[float], costs: Iterable[Cost], workers: int) -> str:
    whole = max([sum(seconds) / workers, *seconds])
    memory = max(cost.memory_mb for cost in costs)
    told = f"About {duration(whole)} with {workers} at once, training alone"
    return f"{told}; up to {memory / 1024:.1f} GB for each of them."
