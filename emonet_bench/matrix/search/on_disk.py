"""What a results directory holds of a search: trials that have ended, and runs that other searches have tuned."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from emonet_bench.errors import StoreError
from emonet_bench.matrix.search.study import Ended, Study
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import Cell, directory_name
from emonet_bench.runs.store import RunStore


def cells_on_disk(study: Study, store: RunStore) -> int:
    """Count the cells of a study's trials that have ended, failed ones included; sources are not counted."""
    begun, outcomes = replace(study), dict[str, Ended]()
    found = True
    while found:
        cells = [cell for cell in begun.proceed(outcomes) if cell.spec.trial and cell.wanted]
        ended = {cell.run_id: outcome for cell in cells if (outcome := _outcome(cell, store))}
        found = bool(ended.keys() - outcomes.keys())
        outcomes |= ended
    return len(outcomes)


def _outcome(cell: Cell, store: RunStore) -> Ended | None:
    with suppress(StoreError):
        record = store.record(cell.spec, cell.run_id)
        return Ended.of(record) if record else None
    return None


def other_search_notes(studies: Iterable[Study], results: Path) -> list[str]:
    """Say how many runs of the same rows other searches have tuned; nothing where there are none.

    Args:
        studies: The studies that are planned.
        results: The results directory.
    """
    own = {study.search.study_id: study for study in studies}
    rows = {_row(cell) for study in own.values() for cell in study.sample.targets}
    directories = RunStore(results).directories() if own and results.is_dir() else []
    count = sum(
        any(directory.name.startswith(row) for row in rows) and _study_id(directory) not in (None, *own)
        for directory in directories
    )
    if not count:
        return []
    runs = "run of these rows was" if count == 1 else "runs of these rows were"
    return [f"{count} {runs} tuned by a search of another space, sampler or budget: kept apart"]


def _row(cell: Cell) -> str:
    """Return how the directories of a row's tuned runs begin, whatever their seed and fold."""
    spec = cell.spec.model_copy(update={"trial": False, "fold": None})
    title = directory_name(spec, cell.run_id).rpartition("-")[0]
    return title.rpartition("-s")[0] + "-s"


def _study_id(directory: Path) -> str | None:
    if "-tuned-" not in directory.name:
        return None
    with suppress(StoreError):
        search = RunFiles(directory).read_record().spec.search
        return search.study_id if search else None
    return None
