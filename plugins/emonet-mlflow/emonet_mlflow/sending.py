"""Sending runs from their files to a server that has not heard of them."""

from __future__ import annotations

from pathlib import Path

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.runs.files import RunFiles
from emonet_mlflow.server import Server
from emonet_mlflow.tracked_run import TrackedRun, is_known, milliseconds


def send(results: Path, address: str) -> tuple[int, int]:
    """Send the runs of a results directory, or one run, that a server lacks.

    Args:
        results: The directory.
        address: What ``MLFLOW_TRACKING_URI`` says.

    Returns:
        How many were sent, and how many were there.

    Raises:
        ConfigError: No server is named, it cannot be reached, or it refuses.
        StoreError: There is no run, or one cannot be read.
    """
    if not address:
        raise ConfigError("MLFLOW_TRACKING_URI: not set; it names the server, such as http://localhost:5000")
    runs = (
        [results] if RunFiles(results).is_run() else [path.parent for path in sorted(results.glob("[!.]*/result.json"))]
    )
    if not runs:
        raise StoreError(f"{results}: no run lies there; name a results directory")
    server = Server(address)
    with server.reached():
        return (sent := sum(_send(server, run) for run in runs)), len(runs) - sent


def _send(server: Server, directory: Path) -> bool:
    record = RunFiles(directory).read_record()
    if is_known(server, directory, record.finished):
        return False
    run = TrackedRun.begin(server, record.spec, directory, milliseconds(record.started))
    run.finish(record.plain())
    return True
