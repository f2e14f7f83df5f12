"""The working part of ``run matrix``: plan, run, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from emonet_bench import report
from emonet_bench.cli.live import Progress
from emonet_bench.config import Training, parse
from emonet_bench.errors import ConfigError
from emonet_bench.executors import executor_factory, terminate_workers, worker_count
from emonet_bench.loading import OpenCorpus, open_corpus
from emonet_bench.matrix import Matrix, Planner
from emonet_bench.plugins import Plugins, Selection, cache_directory
from emonet_bench.runner import Job, run_cell
from emonet_bench.runs import Cell
from emonet_bench.schedule import Matrix as Work
from emonet_bench.store import RunStore


@dataclass(frozen=True)
class Plan:
    """A planned matrix and the plugins it was planned with."""

    cells: Sequence[Cell]
    plugins: Plugins


def plan(values: Mapping[str, Any], where: str, plugins: Plugins, console: Console) -> Plan:
    """Validate a matrix and expand it; opens (on the first time: builds) the corpora's audio stores."""
    matrix = parse(Matrix, values, where)

    @cache
    def opened(name: str, sampling_rate: int) -> OpenCorpus:
        entry = matrix.entries.get(name)
        corpus = plugins.corpora[name]
        with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(f"reading {name}", total=None)
            return open_corpus(
                corpus,
                entry.protocol if entry else None,
                sampling_rate,
                cache_directory(),
                lambda done, total: bar.update(task, completed=done, total=total),
            )

    return Plan(Planner(matrix, plugins, opened, resolve).cells(), plugins)


def resolve(training: Training) -> Training:
    """Replace ``auto`` by what this machine has.

    Raises:
        ConfigError: cuda is asked for and there is none.
    """
    device = training.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: torch sees no CUDA device here; 'emonet-bench doctor' tells more")
    precision = training.precision
    if precision == "auto":
        precision = "bfloat16" if device == "cuda" else "float32"
    return training.model_copy(update={"device": device, "precision": precision})


def show_plan(planned: Plan, results: Path, console: Console) -> None:
    """Print what would be done."""
    store = RunStore(results)
    table = Table("cell", "state", box=None, pad_edge=False)
    for cell in planned.cells:
        record = store.record(cell.spec, cell.run_id)
        if cell.skip:
            state = f"skipped: {cell.skip}"
        elif record is None:
            state = "to do" if cell.wanted else "to do (as a source)"
        else:
            state = "failed" if "error" in record else "done"
        table.add_row(cell.spec.title, state)
    console.print(table)


def work(planned: Plan, selection: Selection, flags: Mapping[str, Any], console: Console) -> int:
    """Run what is left to do, print the table and the next commands.

    Returns:
        How many cells failed.
    """
    store, cells = RunStore(flags["results"]), planned.cells
    training = cells[0].spec.training
    workers = worker_count(flags["jobs"], training.threads, len(cells), cuda=training.device == "cuda")
    by_id = {cell.run_id: cell for cell in cells}

    def submit(executor: Executor, cell: Cell) -> Future[str | None]:
        source = cell.source_file
        if cell.source:
            source = store.path(by_id[cell.source].spec, cell.source)
        again = flags["force"] or flags["retry_failed"]
        return executor.submit(run_cell, Job(cell, selection, store.root, source, flags["export_"], again))

    def again(record: Mapping[str, Any]) -> bool:
        return bool(flags["force"] or (flags["retry_failed"] and "error" in record))

    factory = executor_factory(flags["executor"], workers, planned.plugins)
    with Progress(cells, planned.plugins, console) as progress:
        try:
            Work(cells, store, factory, workers, submit, again, progress).run()
        except KeyboardInterrupt:
            terminate_workers()
            raise
    _conclude(cells, store, progress, console)
    return progress.counts["failed"]


def _conclude(cells: Sequence[Cell], store: RunStore, progress: Progress, console: Console) -> None:
    paths = [store.path(cell.spec, cell.run_id) for cell in cells if cell.wanted]
    records = report.load_runs([path for path in paths if path.is_dir()])
    console.print(report.render_rich(report.summarise(records)))
    for cell, reason in progress.reasons:
        console.print(f"{cell.spec.title}: {reason}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{count} {state}" for state, count in progress.counts.items() if count)
    console.print(f"\n{counts}. Results: {store.root}/", markup=False, soft_wrap=True)
    finished = [path for path in paths if (path / "model.safetensors").is_file()]
    if finished:
        console.print(f"Next: emonet-bench export {finished[0]} -o model.onnx", markup=False, soft_wrap=True)
