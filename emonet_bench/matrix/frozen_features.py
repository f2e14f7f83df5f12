"""Frozen features of a planned matrix, computed before its cells run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

import torch

from emonet_bench.errors import Skipped
from emonet_bench.matrix.cells.cell import keep_features
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import Cell
from emonet_bench.runs.store import RunStore

_HEARD = ("window", "evaluation", "sampling_rate", "limit", "device", "threads", "features")
"""What of a recipe decides which features a cell asks for."""

Progress = Callable[[str, int, int], None]
"""Told the title of a cell, its clips whose features are kept, and all of its clips."""


@dataclass(frozen=True)
class BuiltFeatures:
    """What came of the features of one cell.

    Attributes:
        cell: The cell; others that differ in nothing that decides its features are not listed.
        reason: Why there are none, or not for all partitions; empty: all are kept.
    """

    cell: Cell
    reason: str


def build_features(
    jobs: Iterable[Job], progress: Progress = lambda *_: None, processes: int = 1
) -> list[BuiltFeatures]:
    """Compute and keep the features that cells will ask for.

    Args:
        jobs: The cells, each with the run that it starts from where it needs one.
        progress: Told how far it is.
        processes: How many compute at once; they share the work clip by clip.

    Raises:
        OutOfSpaceError: The disk has no room for them.
        StoreError: The store cannot be written.
    """
    chosen = [job for job in _distinct(jobs) if job.cell.spec.evaluate is None and not job.cell.skip]
    with _helping(chosen, processes - 1):
        return [_build(job, progress) for job in chosen]


def jobs_of(planned: PlannedMatrix, options: RunOptions) -> list[Job]:
    """List the jobs of a planned matrix, each with the run that it starts from."""
    store, by_id = RunStore(options.results), {cell.run_id: cell for cell in planned.samples}

    def job(cell: Cell) -> Job:
        source = store.path(by_id[cell.source].spec, cell.source) if cell.source else cell.source_file
        corpora, skip_bad = planned.plugins.user_corpora, options.skip_bad_files
        return Job(cell, planned.plugins.selection, store.root, source, corpora=corpora, skip_bad_files=skip_bad)

    return [job(cell) for cell in planned.samples]


def _distinct(jobs: Iterable[Job]) -> Iterator[Job]:
    """Yield one of the jobs that differ in how they train above the frozen part only."""
    seen = set()
    for job in jobs:
        spec = job.cell.spec
        key = repr((spec.model_dump(exclude={"training"}), [getattr(spec.training, name) for name in _HEARD]))
        if key not in seen:
            seen.add(key)
            yield job


def _build(job: Job, progress: Progress) -> BuiltFeatures:
    spec = job.cell.spec
    torch.set_num_threads(spec.training.threads)
    if job.source is not None and not (job.source.is_file() or RunFiles(job.source).checkpoint().is_file()):
        return BuiltFeatures(job.cell, "its source is not trained yet")
    try:
        reason = keep_features(job, lambda done, total: progress(spec.title, done, total))
    except Skipped as skipped:
        reason = str(skipped)
    return BuiltFeatures(job.cell, reason)


def _build_all(jobs: Sequence[Job]) -> None:
    for job in jobs:
        _build(job, lambda *_: None)


@contextmanager
def _helping(jobs: Sequence[Job], processes: int) -> Iterator[None]:
    """Let other processes go through the same jobs: whoever comes to a clip first computes it."""
    if processes < 1:
        yield
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        helpers = [pool.submit(_build_all, jobs) for _ in range(processes)]
        yield
        for helper in helpers:
            helper.result()
