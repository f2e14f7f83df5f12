"""The matrix runner: cells are handed to an executor, and every listener hears what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import cache

from emonet_bench.errors import StoreError
from emonet_bench.matrix import queue
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.events import Listener, Listeners
from emonet_bench.matrix.executors import ending_workers, executor_factory
from emonet_bench.matrix.lifecycle import LifecycleHooks
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.outcome import Outcome
from emonet_bench.matrix.planning.cost import Cost, cached_cost, cost_key
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.resources import room_for_cells, visible_gpus, worker_count
from emonet_bench.matrix.scheduler import Scheduler
from emonet_bench.matrix.search.proposals import Proposals
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore


def run_planned(planned: PlannedMatrix, options: RunOptions, listeners: Iterable[Listener] = ()) -> Outcome:
    """Run what is left to do of a matrix, and return when nothing is.

    Args:
        planned: The matrix.
        options: How.
        listeners: Who hears of it, beside the lifecycle hooks of the plugins.

    Returns:
        What has become of the cells.

    Raises:
        ConfigError: No plugin offers the executor, or the number of jobs is none.
        Terminated: A signal asked this process to end; all workers have ended.
    """
    store, samples = RunStore(options.results), planned.samples
    threads = max((cell.spec.training.threads for cell in samples), default=1)  # a small matrix leaves shares empty
    device = "cuda" if any(cell.spec.training.device == "cuda" for cell in samples) else "cpu"
    gpus = visible_gpus() if device == "cuda" else []
    most = len(planned.cells) + sum(study.trained_cells for study in planned.studies)
    workers = worker_count(options.jobs, threads, most)
    given = {**planned.executors.get(options.executor, {}), **options.executor_options}
    executors = executor_factory(options.executor, given, workers, planned.plugins, gpus)
    probed = _probed(planned)
    outcome = Outcome(max((known.memory_mb for cell in samples if (known := probed(cell.spec))), default=None))
    hear = Listeners([outcome, LifecycleHooks(), *listeners])
    room = room_for_cells(options.jobs, workers, len(gpus), lambda: outcome.peak_mb, threads, device)
    proposals = Proposals(planned.cells, planned.studies)
    submit = _submit(planned, options, store, proposals.cells)

    def in_short(some: Sequence[Cell]) -> list[queue.QueuedCell]:
        return queue.queued_cells(some, planned.cost, probed, lambda cell: _made_again(cell, store, options))

    ahead = in_short(planned.cells)
    with queue.published(store, ahead) as publish, ending_workers():

        def announced(further: Sequence[Cell]) -> Sequence[Cell]:
            if further:
                publish(short := in_short(further))
                hear.proposed(further, short)
            return further

        hear.planned(planned, ahead, store.root)
        cells = [*planned.cells, *announced(proposals.first())]
        scheduler = Scheduler(
            cells,
            store,
            executors,
            room,
            submit,
            options.again,
            hear,
            planned.cost,
            lambda cell, record: announced(proposals.ended(cell, record)),
        )
        try:
            scheduler.run()
        finally:
            hear.ended()
    return outcome


def _made_again(cell: Cell, store: RunStore, options: RunOptions) -> bool:
    """Tell whether a cell's result is on disk and made again."""
    try:
        record = store.record(cell.spec, cell.run_id)
    except StoreError:
        return options.again(None)
    return record is not None and options.again(record)


def _submit(
    planned: PlannedMatrix, options: RunOptions, store: RunStore, by_id: Mapping[str, Cell]
) -> Callable[[Executor, Cell, bool], Future[str | None]]:
    """Say how a cell is handed to an executor.

    Args:
        planned: The matrix.
        options: How it is run.
        store: The results directory.
        by_id: All cells that are known so far.
    """
    plugins = planned.plugins

    def submit(executor: Executor, cell: Cell, again: bool) -> Future[str | None]:  # noqa: FBT001 - the scheduler's call
        source = store.path(by_id[cell.source].spec, cell.source) if cell.source else cell.source_file
        job = Job(
            cell,
            plugins.selection,
            store.root,
            source,
            options.export,
            again,
            plugins.user_corpora,
            options.skip_bad_files,
            store.path(by_id[cell.chosen].spec, cell.chosen) if cell.chosen else None,
        )
        return executor.submit(run_cell, job)

    return submit


def _probed(planned: PlannedMatrix) -> Callable[[RunSpec], Cost | None]:
    """Say what the probe of a dry run has measured, once for each kind of cell."""
    known = cache(cached_cost)
    return lambda spec: known(cost_key(spec), planned.plugins.architectures.origin(spec.architecture).version)
