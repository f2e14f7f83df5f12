"""Lifecycle hooks: the listener that passes the events of a matrix on to the hooks of plugins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench.matrix.events import Listener
from emonet_bench.plugins.extensions import problems
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.spec import Cell, RunResult, directory_name

if TYPE_CHECKING:
    from emonet_bench.matrix.planning.plan import PlannedMatrix
    from emonet_bench.matrix.queue import QueuedCell
    from emonet_bench.plugins.loading import Plugins
    from emonet_bench.runs.history import Epoch
    from emonet_bench.runs.record import RunRecord


class LifecycleHooks(Listener):
    """Calls the lifecycle hooks of all plugins, for cells that this process has started."""

    def planned(self, matrix: PlannedMatrix, ahead: Sequence[QueuedCell], results: Path) -> None:
        """Take over whose hooks are called."""
        del ahead
        self._plugins: Plugins = matrix.plugins
        self._results = results
        self._started: set[str] = set()

    def started(self, cell: Cell) -> None:
        """Call ``emonet_run_started``."""
        self._started.add(cell.run_id)
        self._notify("emonet_run_started", cell)

    def epoch(self, cell: Cell, epoch: Epoch) -> None:
        """Call ``emonet_epoch_finished``."""
        self._notify("emonet_epoch_finished", cell, epoch=epoch.epoch, scores={"epoch": epoch.epoch, **epoch.scores})

    def finished(self, cell: Cell, record: RunRecord) -> None:
        """Call ``emonet_run_finished``, but not for a result that was on disk before; tell who failed to extend it."""
        if cell.run_id in self._started:
            for problem in problems(record):
                self._plugins.complain(problem)
            self._notify("emonet_run_finished", cell, result=RunResult(cell.run_id, cell.spec, record.plain()))

    def failed(self, cell: Cell, error: RunError) -> None:
        """Call ``emonet_run_failed``, but not for a failure that was on disk before."""
        if cell.run_id in self._started:
            self._notify("emonet_run_failed", cell, error=error)

    def skipped(self, cell: Cell, reason: str) -> None:
        """Call ``emonet_run_failed`` where the cell had started: each start has an end."""
        self.failed(cell, RunError(type="Skipped", message=reason))

    def _notify(self, hook: str, cell: Cell, **arguments: Any) -> None:
        directory = self._results / directory_name(cell.spec, cell.run_id)
        self._plugins.notify(hook, spec=cell.spec, directory=directory, **arguments)
