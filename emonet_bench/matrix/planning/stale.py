"""Stale results: runs on disk of a recipe that is planned, made by other code.

A run id covers the code, so that a plugin that is edited or upgraded makes new runs. What the older code has left is
found here by the recipe alone: everything that a run id covers but the versions of plugins.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell, RunSpec, directory_name, run_id
from emonet_bench.runs.store import RunStore


@dataclass(frozen=True)
class StaleRun:
    """A finished run of a planned recipe by other code.

    Attributes:
        run_id: Its identity.
        finished: When, in UTC.
        changed: The plugins whose code was another.
    """

    run_id: str
    finished: str
    changed: frozenset[str]


def with_stale(planned: PlannedMatrix, options: RunOptions) -> PlannedMatrix:
    """Look for the stale runs of cells that have no result yet; where that is asked for, take them in their place."""
    found = _find(planned, RunStore(options.results))
    return reuse(planned, found) if options.reuse else replace(planned, stale=found)


def _find(planned: PlannedMatrix, store: RunStore) -> dict[str, StaleRun]:
    known = _Records(store)
    by_id = {cell.run_id: cell for cell in planned.cells}

    @cache
    def recipe(identity: str) -> str:
        cell = by_id[identity]
        source = recipe(cell.source) if cell.source else cell.spec.source
        return _recipe(cell.spec, cell.context["corpora"], source)

    found = {}
    for cell in planned.cells:
        if not cell.skip and not store.path(cell.spec, cell.run_id).is_dir():
            alike = [run for run in known.titled(cell) if known.recipe(run) == recipe(cell.run_id)]
            if alike:
                latest = max(alike, key=lambda run: known[run].finished)
                changed = _changed(cell, by_id, known, latest)
                found[cell.run_id] = StaleRun(latest, known[latest].finished, changed)
    return found


def reuse(planned: PlannedMatrix, stale: Mapping[str, StaleRun]) -> PlannedMatrix:
    """Put stale runs in the place of their cells; what starts from one of them starts from its weights."""
    renamed: dict[str, str] = {}
    cells = []
    for cell in planned.cells:
        source = renamed.get(cell.source or "", cell.source)
        spec, identity = cell.spec, cell.run_id
        if source != cell.source:
            spec = spec.model_copy(update={"source": source})
            identity = run_id(spec, cell.context)
        if cell.run_id in stale:
            identity = stale[cell.run_id].run_id
        renamed[cell.run_id] = identity
        cells.append(replace(cell, spec=spec, run_id=identity, source=source))
    clips = {renamed[identity]: count for identity, count in planned.clips.items()}
    return replace(planned, cells=cells, clips=clips, stale=stale, reused=True)


def stale_notes(planned: PlannedMatrix) -> list[str]:
    """Say how many results are stale, a line for each set of plugins: ``4 from other code of my-net: ...``."""
    counts = Counter(tuple(sorted(run.changed)) for run in planned.stale.values())
    what = "taken as they are" if planned.reused else "trained anew; --reuse takes them as they are"
    return [f"{count} from other code of {', '.join(names)}: {what}" for names, count in sorted(counts.items())]


def check_code(record: RunRecord, plugins: Plugins, run: Path) -> None:
    """Hold the code that would rebuild a finished run's network to be the code that trained it.

    Args:
        record: The run's record.
        plugins: Where its architecture and strategy are registered.
        run: Its directory, for the message.

    Raises:
        ConfigError: A plugin's code is another one.
    """
    if record.failed or record.spec.external:
        return  # it has no network
    spec = record.spec
    for origin in (plugins.architectures.origin(spec.architecture), plugins.strategies.origin(spec.strategy)):
        trained = record.plugins.get(origin.name, "unknown")
        if trained != origin.version:
            raise ConfigError(
                f"{run}: trained by the code {trained} of plugin {origin.name}, which is {origin.version} now; run its "
                "matrix again, or add --any-code to take the code of now"
            )


def _recipe(spec: RunSpec, corpora: Sequence[Sequence[str | None]], source: str | None) -> str:
    """Identify a recipe.

    Args:
        spec: The cell.
        corpora: Fingerprint and protocol id of each of its corpora; of a zero-shot cell the last is the one that it is
            scored on, and its source says the rest.
        source: The recipe of its source, or a checkpoint's hash.
    """
    scored = corpora[-1:] if spec.evaluate else corpora
    values = {**spec.model_dump(mode="json"), "source": source}
    text = json.dumps([values, [list(pair) for pair in scored]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class _Records(Mapping[str, RunRecord]):
    """The finished runs of a results directory by run id, read as they are asked for; unreadable ones are left out."""

    def __init__(self, store: RunStore) -> None:
        self._titled: dict[str, list[str]] = defaultdict(list)
        self._directories: dict[str, Path] = {}  # by the end of the run id that their names have
        self._read: dict[str, RunRecord | None] = {}
        self._recipes: dict[str, str | None] = {}
        for directory in store.finished() if store.root.is_dir() else ():
            title, _, end = directory.name.rpartition("-")
            self._titled[title].append(end)
            self._directories[end] = directory

    def __getitem__(self, identity: str) -> RunRecord:
        record = self._by_end(identity[:_ENDING])
        if record is None or record.run_id != identity:
            raise KeyError(identity)
        return record

    def __iter__(self) -> Iterator[str]:
        return (record.run_id for end in self._directories if (record := self._by_end(end)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def titled(self, cell: Cell) -> list[str]:
        """List the ids of finished runs that are called as a cell."""
        title = directory_name(cell.spec, cell.run_id).rpartition("-")[0]
        return [record.run_id for end in self._titled[title] if (record := self._by_end(end))]

    def _by_end(self, end: str) -> RunRecord | None:
        if end not in self._read:
            self._read[end] = None
            with suppress(StoreError, KeyError):
                record = RunFiles(self._directories[end]).read_record()
                self._read[end] = None if record.failed else record
        return self._read[end]

    def recipe(self, identity: str) -> str | None:
        """Identify the recipe of a run; None where nothing says it."""
        if identity not in self._recipes:
            self._recipes[identity] = None  # a run that would start from itself has none
            if identity in self:
                self._recipes[identity] = self._derived(self[identity])
        return self._recipes[identity]

    def _derived(self, record: RunRecord) -> str | None:
        facts = [record.facts(ref.name) for ref in record.spec.scored_corpora()]
        corpora = [(one.fingerprint, one.protocol_id) for one in facts]
        source = record.spec.source
        if source and len(source) < _CHECKPOINT_HASH:
            source = self.recipe(source)
            if source is None:
                return None
        return _recipe(record.spec, corpora, source)


_ENDING = 8
"""Characters of a run id that the name of its directory ends with."""

_CHECKPOINT_HASH = 64
"""Characters of a checkpoint's SHA-256; a run id is shorter."""


def _changed(cell: Cell, by_id: Mapping[str, Cell], known: _Records, identity: str) -> frozenset[str]:
    """Name the plugins whose code was another in a stale run, or in what it started from."""
    record = known[identity]
    names = {name for name, version in cell.context["plugins"].items() if record.plugins.get(name) != version}
    source = record.spec.source
    if cell.source and source and source in known:
        names |= _changed(by_id[cell.source], by_id, known, source)
    return frozenset(names)
