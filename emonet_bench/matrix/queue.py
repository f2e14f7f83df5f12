"""The queue: what a running matrix has before it, on disk for whoever looks, and how long that will take."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from emonet_bench.errors import StoreError
from emonet_bench.files import read_bytes, write_bytes
from emonet_bench.matrix.planning.cost import Cost, cost_key, duration
from emonet_bench.runs.facts import Name, Seconds
from emonet_bench.runs.lock import SUFFIX, is_locked, lock
from emonet_bench.runs.spec import Cell, RunSpec, directory_name
from emonet_bench.runs.store import PENDING, RunStore

_LARGEST = 64 * 2**20  # bytes of a queue that is read


@dataclass(frozen=True)
class QueuedCell:
    """A cell in short.

    Attributes:
        directory: Name of its directory.
        alike: The same for cells that take equally long for each clip of an epoch.
        clips: Clips heard in all epochs.
        epochs: Epochs, at the most.
        source: Name of its source's directory, where that is a cell, too.
        seconds: What a probe lets expect, or None where there was none.
        since: Unix time before which a result does not count, because it is made again; 0: any counts.
    """

    directory: str
    alike: Name
    clips: Seconds
    epochs: Annotated[int, Field(ge=1)]
    source: str | None
    seconds: Seconds | None
    since: Seconds = 0.0


_QUEUE = TypeAdapter(list[QueuedCell])


def queued_cells(
    cells: Sequence[Cell],
    cost: Callable[[Cell], float],
    measured: Callable[[RunSpec], Cost | None],
    again: Callable[[Cell], bool],
) -> list[QueuedCell]:
    """Put cells that can be run in short.

    Args:
        cells: All cells.
        cost: Clips that a cell hears in all epochs.
        measured: What is known of a cell's cost.
        again: Whether a cell's result is on disk and made again.
    """
    now = time.time()
    names = {cell.run_id: directory_name(cell.spec, cell.run_id) for cell in cells}

    def item(cell: Cell) -> QueuedCell:
        spec, known = cell.spec, measured(cell.spec)
        alike = hashlib.sha256(f"{cost_key(spec)} {spec.strategy} {spec.strategy_options}".encode()).hexdigest()[:8]
        return QueuedCell(
            directory=names[cell.run_id],
            alike=alike,
            clips=cost(cell),
            epochs=spec.training.epochs,
            source=names.get(cell.source or ""),
            seconds=known.seconds * cost(cell) if known else None,
            since=now if again(cell) else 0.0,
        )

    return [item(cell) for cell in cells if not cell.skip]


class TimeRemaining(NamedTuple):
    """How long a matrix will take.

    Attributes:
        seconds: Of what is known.
        whole: Whether something is known of every cell.
    """

    seconds: float
    whole: bool

    def __str__(self) -> str:
        """Say it after a list of counts; nothing where nothing is left or known."""
        return f"; {'about' if self.whole else 'at least'} {duration(self.seconds)} left" if self.seconds else ""


def time_remaining(
    planned: Iterable[QueuedCell],
    spent: Mapping[str, float],
    given_up: Collection[str],
    running: Mapping[str, tuple[int, float]],
) -> TimeRemaining:
    """Estimate when all will be done: by what cells of the same kind have taken so far, else by a probe.

    Args:
        planned: All cells.
        spent: Seconds that each finished cell took, by its directory.
        given_up: Directories of cells that have failed or are skipped.
        running: Epochs that each running cell has behind it, and the seconds they took.
    """
    planned = list(planned)
    seconds: dict[str, float] = defaultdict(float)  # of each kind, as are
    clips: dict[str, float] = defaultdict(float)
    for item in planned:
        epochs, took = running.get(item.directory, (0, 0.0))
        done = 1.0 if item.directory in spent else epochs / item.epochs
        seconds[item.alike] += spent.get(item.directory, took)
        clips[item.alike] += item.clips * done

    def expected(item: QueuedCell) -> float | None:
        epochs, took = running.get(item.directory, (0, 0.0))
        if epochs:
            return took / epochs * max(0, item.epochs - epochs)
        return seconds[item.alike] / clips[item.alike] * item.clips if clips[item.alike] else item.seconds

    left = [
        expected(item)
        for item in planned
        if item.directory not in spent and item.directory not in given_up and item.source not in given_up
    ]
    known = [seconds for seconds in left if seconds is not None]
    return TimeRemaining(max([sum(known) / max(1, len(running)), *known]), len(known) == len(left))


@contextmanager
def published(store: RunStore, planned: Iterable[QueuedCell]) -> Iterator[Callable[[Iterable[QueuedCell]], None]]:
    """Keep on disk what this process has before it; where that cannot be written, only ``status`` knows less.

    Yields:
        What adds further cells.
    """
    known = list(planned)
    file = store.root / PENDING / f"queue-{uuid.uuid4().hex}.json"
    with ExitStack() as held:
        with suppress(OSError, StoreError):
            for other in _files(store):
                if not is_locked(_lock_file(other)):
                    _clear(other)  # its process was killed
            held.enter_context(lock(_lock_file(file), str(file)))
            held.callback(file.unlink, missing_ok=True)
            write_bytes(file, _QUEUE.dump_json(known))

        def add(further: Iterable[QueuedCell]) -> None:
            known.extend(further)
            with suppress(OSError, StoreError):
                if file.exists():
                    write_bytes(file, _QUEUE.dump_json(known))

        yield add


def current(store: RunStore) -> list[QueuedCell]:
    """Return what the matrices that run in a results directory at this moment, wherever they do, have before them."""
    found: dict[str, QueuedCell] = {}
    for file in _files(store):
        if is_locked(_lock_file(file)):
            with suppress(OSError, ValueError, StoreError):
                listed = _QUEUE.validate_json(read_bytes(file, _LARGEST), strict=True)
                found |= {item.directory: item for item in listed}
    return list(found.values())


def _files(store: RunStore) -> list[Path]:
    return sorted((store.root / PENDING).glob("queue-*.json"))


def _lock_file(file: Path) -> Path:
    """Return the lock that the process holds which wrote a queue."""
    return file.with_suffix(SUFFIX)


def _clear(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)
        _lock_file(file).unlink(missing_ok=True)
