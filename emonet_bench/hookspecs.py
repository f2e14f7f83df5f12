"""Hook specifications, the public seam: every hook that a plugin may implement.

Registration hooks return light, frozen descriptors.

A plugin is a module (or any object) with functions marked ``@emonet_bench.hookimpl``, named by an entry point in the
group ``emonet_bench``. Nothing here imports torch, and a plugin should import it inside functions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from emonet_bench.runs.facts import RunError
    from emonet_bench.runs.spec import RunResult, RunSpec
    from emonet_bench.types import (
        Architecture,
        Augmentation,
        Corpus,
        ExecutorKind,
        Loss,
        Metric,
        Optimizer,
        ReportFormat,
        Strategy,
    )

API = 2
"""Number of the seam; it rises where a hook or a public name changes in a way that a plugin must follow."""

hookspec = pluggy.HookspecMarker("emonet_bench")


@dataclass(frozen=True)
class CorporaConfig:
    """Where a corpora plugin may look.

    Attributes:
        directory: The directory that holds one folder for each corpus, or None where the user named none.
        cache: A directory for what a plugin generates or downloads.
        places: Where single corpora lie, whatever the directory holds.
        left_out: Why corpora that lie there cannot be used, by name: a plugin may add to it, so that whoever asks for
            one is told.
    """

    directory: Path | None
    cache: Path
    places: Mapping[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def folder(self, name: str) -> Path | None:
        """Tell where a corpus should lie, or None where nothing says it."""
        return self.places.get(name) or (self.directory and self.directory / name)


@hookspec
def emonet_corpora(config: CorporaConfig) -> Iterable[Corpus]:  # type: ignore[empty-body]
    """Return the corpora that this plugin knows, present on this disk or not.

    Args:
        config: Where to look for them.
    """


@hookspec
def emonet_architectures() -> Iterable[Architecture]:  # type: ignore[empty-body]
    """Return the architectures that this plugin offers."""


@hookspec
def emonet_strategies() -> Iterable[Strategy]:  # type: ignore[empty-body]
    """Return the strategies that this plugin offers."""


@hookspec
def emonet_losses() -> Iterable[Loss]:  # type: ignore[empty-body]
    """Return the losses that this plugin offers."""


@hookspec
def emonet_metrics() -> Iterable[Metric]:  # type: ignore[empty-body]
    """Return the metrics that this plugin offers."""


@hookspec
def emonet_optimizers() -> Iterable[Optimizer]:  # type: ignore[empty-body]
    """Return the optimisers that this plugin offers."""


@hookspec
def emonet_augmentations() -> Iterable[Augmentation]:  # type: ignore[empty-body]
    """Return the augmentations that this plugin offers."""


@hookspec
def emonet_report_formats() -> Iterable[ReportFormat]:  # type: ignore[empty-body]
    """Return the report formats that this plugin offers."""


@hookspec
def emonet_executors() -> Iterable[ExecutorKind]:  # type: ignore[empty-body]
    """Return the executors that this plugin offers."""


@hookspec(
    firstresult=True,
    warn_on_impl=DeprecationWarning("emonet_executor is asked no more from 0.3 on; register by emonet_executors"),
)
def emonet_executor(name: str, workers: int) -> Executor | None:
    """Return an executor (the protocol of ``concurrent.futures``) for a name that nobody has registered.

    Deprecated: implement ``emonet_executors``, whose executors have options. Hosts from 0.3 on do not ask this.

    Args:
        name: The name asked for; return None for any that is not yours.
        workers: How many cells may run at once; with ``--jobs auto`` as many as this machine's cores carry.
    """


@hookspec
def emonet_commands(cli: click.Group) -> None:
    """Add commands to the command line.

    Args:
        cli: A group to add them to; they join the top-level one.
    """


@hookspec(firstresult=True)
def emonet_skip(spec: RunSpec) -> str | None:
    """Return a reason to skip a cell, shown in the table, or None to let it run.

    Args:
        spec: The resolved cell.
    """


@hookspec
def emonet_extend_record(spec: RunSpec) -> Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None:
    """Return a function that says what to add to a run's record, or None. Called where the run is carried out.

    Called as the run begins; the function is called as it ends, with the record (the content of ``result.json``; with
    ``error`` where the run failed). What it returns stands in the record under ``extensions`` and the plugin's name:
    values of JSON, at most 65,536 characters and eight levels of them. No run id depends on it.

    Args:
        spec: The cell that begins.
    """


@hookspec
def emonet_run_started(spec: RunSpec, directory: Path) -> None:
    """Hear that a cell has started. Called in the main process.

    Args:
        spec: The cell.
        directory: Where its files lie once it has finished; the results directory is its parent.
    """


@hookspec
def emonet_epoch_finished(spec: RunSpec, epoch: int, scores: Mapping[str, float], directory: Path) -> None:
    """Hear that an epoch has ended. Called in the main process, soon after.

    Args:
        spec: The cell.
        epoch: Counted from 1.
        scores: ``loss`` on train, ``dev_uar`` (or ``dev_`` and what else selects), and the ``learning_rate``.
        directory: Where its files lie once it has finished; the results directory is its parent.
    """


@hookspec
def emonet_run_finished(spec: RunSpec, result: RunResult, directory: Path) -> None:
    """Hear that a cell has finished and is on disk. Called in the main process.

    Args:
        spec: The cell.
        result: What came of it.
        directory: Where its files lie; the results directory is its parent.
    """


@hookspec
def emonet_run_failed(spec: RunSpec, error: RunError, directory: Path) -> None:
    """Hear that a cell has failed. Called in the main process.

    Args:
        spec: The cell.
        error: Why.
        directory: Where its record lies; the results directory is its parent.
    """
