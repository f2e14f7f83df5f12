"""``emonet-bench run matrix --dry-run``: every cell with its state, and an estimate of time and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module

from rich.console import Console

from emonet_bench.console.streams import say
from emonet_bench.matrix.executors import Workers, ending_workers
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.cost import Cost, cached_cost, cost_key, duration, store_cost
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.planning.stale import stale_notes, with_stale
from emonet_bench.matrix.resources import worker_count
from emonet_bench.matrix.scheduler import needless
from emonet_bench.matrix.search.on_disk import cells_on_disk, other_search_notes
from emonet_bench.matrix.search.study import Study
from emonet_bench.plugins.loading import Selection
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore


def show(planned: PlannedMatrix, options: RunOptions, console: Console) -> None:
    """Print the plan.

    Args:
        planned: The cells.
        options: How they would be run.
        console: Where a terminal is told to wait.
    """
    planned = with_stale(planned, options)
    store = RunStore(options.results)
    states = {cell.run_id: _state(cell, store, options) for cell in planned.cells}
    open_cells = [cell for cell in planned.cells if states[cell.run_id].startswith("to do")]
    for cell in needless(open_cells):
        states[cell.run_id] = "not needed: no cell that is left to run starts from it"
        open_cells.remove(cell)
    with console.status("trying one training step of each network"):
        samples = [cell for study in planned.studies for cell in study.sample.targets]
        costs = _costs(planned, [*open_cells, *samples])
    seconds = {cell.run_id: _seconds(planned, cell, costs) for cell in open_cells}
    width = max((len(cell.spec.title) for cell in planned.cells), default=0)
    for cell in planned.cells:
        about = seconds.get(cell.run_id)
        say(f"{cell.spec.title:{width}}  {states[cell.run_id]}{f', about {duration(about)}' if about else ''}")
    counts = Counter(state.partition(":")[0].partition(" (")[0].replace("to do", "to run") for state in states.values())
    listed = ", ".join(f"{count} {state}" for state, count in counts.items())
    searched = [_searched(planned, study, store, costs) for study in planned.studies]
    say()
    if planned.cells or not planned.studies:
        say(f"{len(planned.cells)} cells: {listed or 'nothing to run'}.")
    if number := len(planned.studies):
        trials = sum(study.trained_cells for study in planned.studies)
        say(f"{number} search{'es' if number > 1 else ''}: at most {trials} trials, then the tuned cells.")
    for note in (*stale_notes(planned), *other_search_notes(planned.studies, options.results)):
        say(note)
    if costs:
        most = len(open_cells) + sum(study.trained_cells for study in planned.studies)
        workers = worker_count(options.jobs, planned.samples[0].spec.training.threads, most)
        known = [value for value in (*seconds.values(), *searched) if value]
        say(_total(known, costs.values(), workers))
        if extraction := _extraction(planned, [*open_cells, *samples], costs):
            say(f"Frozen features, computed once: about {duration(extraction)}, less for what is kept already.")


def _state(cell: Cell, store: RunStore, options: RunOptions) -> str:
    if cell.skip:
        return f"skipped: {cell.skip}"
    record = store.record(cell.spec, cell.run_id)
    if record is None or options.again(record):
        return "to do" if cell.wanted else "to do (as a source)"
    return "failed" if record.failed else "done"


def _searched(planned: PlannedMatrix, study: Study, store: RunStore, costs: Mapping[str, Cost]) -> float | None:
    """Count and price the trials of a study, as if each cost what one of the options that are not searched costs."""
    done, each = cells_on_disk(study, store), [_seconds(planned, cell, costs) for cell in study.sample.targets]
    share = 1 - done / study.trained_cells
    whole = sum(rung.trials / rung.divisor for rung in study.rungs)
    seconds = None if None in each else whole * share * sum(value for value in each if value is not None)
    trials = sum(rung.trials for rung in study.rungs)
    per = f" of {len(each)} cells" if len(each) > 1 else ""
    state = f"{done} of {study.trained_cells} cells done" if done else "to do"
    about = f", about {duration(seconds)}" if seconds else ""
    say(f"{study.title}: at most {trials} {study.search.sampler} trials{per}, then tuned: {state}{about}")
    return seconds


def _costs(planned: PlannedMatrix, cells: Iterable[Cell]) -> dict[str, Cost]:
    """Say what each kind of cell costs. What was not known is probed, and what breaks then will be told by the run."""
    plugins = planned.plugins.architectures
    trained = [cell.spec for cell in cells if plugins[cell.spec.architecture].fit is None and not cell.spec.evaluate]
    kinds = {cost_key(spec): spec for spec in trained}
    found: dict[str, Cost] = {}
    with ending_workers():
        for name, spec in kinds.items():
            version = plugins.origin(spec.architecture).version
            measured = cached_cost(name, version)
            if measured is None and (measured := _probed(spec, planned.plugins.selection)) is not None:
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
    cost_probe = import_module("emonet_bench.matrix.planning.cost_probe")  # torch stays in the worker
    measured: Cost = cost_probe.probe(spec, selection)
    return measured


def _seconds(planned: PlannedMatrix, cell: Cell, costs: Mapping[str, Cost]) -> float | None:
    cost = costs.get(cost_key(cell.spec))
    return None if cost is None else cost.seconds * planned.cost(cell)


def _extraction(planned: PlannedMatrix, cells: Iterable[Cell], costs: Mapping[str, Cost]) -> float:
    """Return the seconds in which features are computed, once for all cells that share them."""
    seconds: dict[tuple[str, str], float] = {}
    for cell in cells:
        cost = costs.get(cost_key(cell.spec))
        if cost is not None and cost.frozen_id:
            for ref in cell.spec.trained_corpora():
                seconds[ref.name, cost.frozen_id] = cost.extraction * planned.utterances[ref.name]
    return sum(seconds.values())


def _total(seconds: list[float], costs: Iterable[Cost], workers: int) -> str:
    whole = max([sum(seconds) / workers, *seconds])
    memory = max(cost.memory_mb for cost in costs)
    told = f"About {duration(whole)} with {workers} at once, training alone"
    return f"{told}; up to {memory / 1024:.1f} GB for each of them."
