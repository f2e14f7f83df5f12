"""The working part of ``run matrix``: run what is planned, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import cache
from typing import Any

import torch
from rich.console import Console

from emonet_bench import report
from emonet_bench.cli.live import Progress
from emonet_bench.cli.plan import PlannedMatrix
from emonet_bench.errors import StoreError
from emonet_bench.escaping import shell_word
from emonet_bench.matrix import queue
from emonet_bench.matrix.cell import Job, run_cell
from emonet_bench.matrix.cost import Cost, cached_cost, cost_key
from emonet_bench.matrix.executors import (
    ending_workers,
    executor_factory,
    gpu_room,
    machine_memory_mb,
    room_in_memory,
    worker_count,
)
from emonet_bench.matrix.scheduler import Scheduler
from emonet_bench.plugins.loading import Selection
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore


def work(planned: PlannedMatrix, selection: Selection, flags: Mapping[str, Any], console: Console) -> int:
    """Run what is left to do, print the table and the next commands.

    Returns:
        How many cells failed.
    """
    store, cells = RunStore(flags["results"]), planned.cells
    threads = max(cell.spec.training.threads for cell in cells)
    device = "cuda" if any(cell.spec.training.device == "cuda" for cell in cells) else "cpu"
    workers = worker_count(flags["jobs"], threads, len(cells))
    devices = visible_gpus() if device == "cuda" else []
    by_id = {cell.run_id: cell for cell in cells}

    def submit(executor: Executor, cell: Cell, again: bool) -> Future[str | None]:  # noqa: FBT001 - the scheduler's call
        source = cell.source_file
        if cell.source:
            source = store.path(by_id[cell.source].spec, cell.source)
        described = planned.plugins.user_corpora
        return executor.submit(
            run_cell,
            Job(
                cell,
                selection,
                store.root,
                source,
                flags["export_"],
                again,
                described,
                flags.get("skip_bad_files", False),
            ),
        )

    def again(record: RunRecord | None) -> bool:
        failed = record is None or record.failed
        return bool(flags["force"] or (flags["retry_failed"] and failed))

    factory = executor_factory(flags["executor"], workers, planned.plugins, devices)
    probed = _probed(planned)
    ahead = queue.queued_cells(cells, planned.cost, probed, lambda cell: _is_stale(cell, store, again))
    peak_mb = max((found.memory_mb for cell in cells if (found := probed(cell.spec))), default=None)
    with (
        queue.published(store, ahead),
        Progress(cells, planned.plugins, console, store.root, ahead, peak_mb=peak_mb) as progress,
        ending_workers(),
    ):
        room = _room(flags["jobs"], workers, len(devices), progress, threads, device)
        Scheduler(cells, store, factory, room, submit, again, progress, planned.cost).run()
    _conclude(cells, store, progress, console)
    return progress.counts["failed"]


def _is_stale(cell: Cell, store: RunStore, again: Callable[[RunRecord | None], bool]) -> bool:
    """Tell whether a cell's result is on disk and made again."""
    try:
        record = store.record(cell.spec, cell.run_id)
    except StoreError:
        return again(None)
    return record is not None and again(record)


def _probed(planned: PlannedMatrix) -> Callable[[RunSpec], Cost | None]:
    """Say what the probe of a dry run has measured, once for each kind of cell."""
    known = cache(cached_cost)
    return lambda spec: known(cost_key(spec), planned.plugins.architectures.origin(spec.architecture).version)


def visible_gpus() -> list[str]:
    """Name the GPUs that this process may use, each as a value of ``CUDA_VISIBLE_DEVICES``."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]


def _room(
    jobs: str, workers: int, gpus: int, progress: Progress, threads: int, device: str
) -> Callable[[Executor], int]:
    """Say how many cells may run at once: ``auto`` asks an executor that knows, then the memory here."""
    ram = machine_memory_mb()
    memory = [torch.cuda.get_device_properties(i).total_memory // 2**20 for i in range(gpus)]

    def room(executor: Executor) -> int:
        if jobs != "auto":
            return workers
        capacity: Callable[[int, str], int] | None = getattr(executor, "capacity", None)
        if capacity is not None:
            return max(1, capacity(threads, device))
        if memory:
            return gpu_room(memory, progress.peak_mb, workers)
        return room_in_memory(ram, progress.peak_mb, workers)

    return room


def _conclude(cells: Sequence[Cell], store: RunStore, progress: Progress, console: Console) -> None:
    paths = [path for cell in cells if cell.wanted and (path := store.path(cell.spec, cell.run_id)).is_dir()]
    records = report.load_runs(paths)
    records += [report.skipped(cell, reason) for cell, reason in progress.skips if cell.wanted]
    table = report.summarise(records)
    console.print(report.render_rich(table))
    unseen = [  # sources, and what left no record: a worker's death, a full disk
        f"failed: {cell.spec.title}: {reason}"
        for cell, reason in progress.failures
        if store.path(cell.spec, cell.run_id) not in paths
    ]
    for problem in (*table.problems, *unseen):
        console.print(problem, markup=False, soft_wrap=True)
    counts = ", ".join(f"{count} {state}" for state, count in progress.counts.items() if count)
    console.print(f"\n{counts}. Results: {store.root}/", markup=False, soft_wrap=True)
    single = [
        path for path in paths if RunFiles(path).checkpoint().is_file() and RunFiles(path).predictions().is_file()
    ]
    if single:  # a joint run would have to be told which of its corpora
        console.print(f"Next: emonet-bench export {shell_word(single[0])} -o model.onnx", markup=False, soft_wrap=True)
