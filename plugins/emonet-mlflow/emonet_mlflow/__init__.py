"""Runs in MLflow, where ``MLFLOW_TRACKING_URI`` names a server: parameters, epochs, scores and files of every cell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from emonet_bench import hookimpl
from emonet_bench.console.paths import PathParam

if TYPE_CHECKING:
    from emonet_bench.runs.facts import RunError
    from emonet_bench.runs.spec import RunResult, RunSpec
    from emonet_mlflow.tracker import Tracker

_trackers: dict[str, Tracker] = {}  # by address


@hookimpl
def emonet_run_started(spec: RunSpec, directory: Path) -> None:
    """Begin a run, or go on with one that was interrupted."""
    if (tracker := _tracker()) is not None:
        tracker.started(spec, directory)


@hookimpl
def emonet_epoch_finished(epoch: int, scores: Mapping[str, float], directory: Path) -> None:
    """Log an epoch."""
    if (tracker := _tracker()) is not None:
        tracker.epoch(epoch, scores, directory)


@hookimpl
def emonet_run_finished(result: RunResult, directory: Path) -> None:
    """Log the scores and the files."""
    if (tracker := _tracker()) is not None:
        tracker.finished(result.spec, result.record, directory)


@hookimpl
def emonet_run_failed(spec: RunSpec, error: RunError, directory: Path) -> None:
    """Log why the run has failed."""
    if (tracker := _tracker()) is not None:
        tracker.failed(spec, error, directory)


@hookimpl
def emonet_commands(cli: click.Group) -> None:
    """Add ``emonet-bench mlflow``."""
    cli.add_command(group)


def _tracker() -> Tracker | None:
    address = os.environ.get("MLFLOW_TRACKING_URI")
    if not address:
        return None
    if address not in _trackers:
        from emonet_mlflow.tracker import Tracker  # noqa: PLC0415 - nobody tracks where no server is named

        _trackers[address] = Tracker(address)
    return _trackers[address]


@click.group("mlflow")
def group() -> None:
    """Send runs to MLflow."""


@group.command("log")
@click.argument("results", type=PathParam())
def log(results: Path) -> None:
    """Send what an MLflow server lacks of the runs in RESULTS, such as those that ended while it was down.

    `MLFLOW_TRACKING_URI` names the server, `MLFLOW_EXPERIMENT_NAME` the experiment.
    """
    from emonet_mlflow.sending import send  # noqa: PLC0415 - read when it is called

    sent, known = send(results, os.environ.get("MLFLOW_TRACKING_URI", ""))
    click.echo(f"{sent} runs sent, {known} were there")
