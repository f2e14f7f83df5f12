"""A run in MLflow: begun or found again, then told of epochs and of its end. What was told before is not told twice."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench.runs.facts import RunError
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import RunSpec
from emonet_mlflow.server import Server
from emonet_mlflow.values import epoch_metrics, final_metrics, parameters

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

_NAME, _PLACE, _FINISHED = "emonet.run", "emonet.place", "emonet.finished"  # tags by which a run is found again
_FACTS = ("run_id", "protocol_id", "fingerprint", "licence", "finished")  # of a record that become tags
_METRICS, _PARAMETERS = 1000, 100  # that MLflow takes at once
_SHOWN = 1000  # characters of an error
_WEIGHTS = ".safetensors"


class TrackedRun:
    """A run in MLflow.

    Attributes:
        run_id: MLflow's own id of it.
        directory: The run's directory.
    """

    def __init__(self, client: MlflowClient, run_id: str, directory: Path, steps: set[int]) -> None:
        self._client, self.run_id, self.directory, self._steps = client, run_id, directory, steps

    @classmethod
    def begin(cls, server: Server, spec: RunSpec, directory: Path, started: int | None = None) -> TrackedRun:
        """Begin a run, or go on with the same one where it was interrupted.

        Args:
            server: Where.
            spec: The cell.
            directory: Where its files lie once it has finished.
            started: Milliseconds since 1970; None: now.
        """
        client = server.client
        interrupted = [run for run in _known(server, directory) if run.info.status in ("RUNNING", "KILLED")]
        if interrupted:
            run_id = interrupted[0].info.run_id
            client.update_run(run_id, status="RUNNING")
            steps = {metric.step for metric in client.get_metric_history(run_id, "loss")}
        else:
            tags = {_NAME: directory.name, _PLACE: _place(directory), "emonet.directory": str(directory.absolute())}
            created = client.create_run(server.experiment, started, tags, directory.name)
            run_id, steps = created.info.run_id, set()
        tracked = cls(client, run_id, directory, steps)
        tracked._describe(spec)
        return tracked

    def epoch(self, epoch: int, scores: Mapping[str, float]) -> None:
        """Log an epoch; of a continued training all are told again."""
        if epoch not in self._steps:
            self._client.log_batch(self.run_id, _metrics(epoch_metrics(scores), epoch, _now()))
            self._steps.add(epoch)

    def finish(self, record: Mapping[str, Any]) -> None:
        """Log the scores, the epochs that were missed, and the files.

        Args:
            record: Content of ``result.json``.
        """
        ended = milliseconds(record.get("finished")) or _now()
        metrics = self._missed(milliseconds(record.get("started")) or ended)
        metrics += _metrics(final_metrics(record), record.get("best_epoch") or 0, ended)
        for first in range(0, len(metrics), _METRICS):
            self._client.log_batch(self.run_id, metrics[first : first + _METRICS])
        self._upload()
        tags = {f"emonet.{name}": record[name] for name in _FACTS if record.get(name)}
        self._end(RunError(**record["error"]) if record.get("error") else None, tags, ended)

    def fail(self, error: RunError) -> None:
        """Log why it failed; where that was written down, all of it. What lies there may be the run before it."""
        files = RunFiles(self.directory)
        if files.is_run() and (record := files.read_record()).error == error:
            self.finish(record.plain())
        else:
            self._end(error, {}, _now())

    def kill(self) -> None:
        """Say that it was interrupted."""
        self._client.set_terminated(self.run_id, "KILLED")

    def _end(self, error: RunError | None, tags: Mapping[str, str], moment: int) -> None:
        from mlflow.entities import RunTag  # noqa: PLC0415 - slow to import

        told = {**tags, "emonet.error": f"{error.type}: {error.message}"[:_SHOWN]} if error else tags
        self._client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in told.items()])
        self._client.set_terminated(self.run_id, "FAILED" if error else "FINISHED", moment)

    def _describe(self, spec: RunSpec) -> None:
        from mlflow.entities import Param  # noqa: PLC0415 - slow to import

        chosen = [Param(name, value) for name, value in parameters(spec).items()]
        for first in range(0, len(chosen), _PARAMETERS):
            self._client.log_batch(self.run_id, params=chosen[first : first + _PARAMETERS])

    def _missed(self, moment: int) -> list[Metric]:
        """Make the metrics of the epochs that were not told.

        Args:
            moment: When the run began, in milliseconds.
        """
        metrics = []
        for row in RunFiles(self.directory).read_history():
            moment += round(1000 * row.seconds)
            if row.epoch not in self._steps:
                metrics += _metrics(epoch_metrics(row.scores), row.epoch, moment)
        return metrics

    def _upload(self) -> None:
        """Send the files, weights only where they are asked for; a link may lead out of the run's directory."""
        weights = os.environ.get("EMONET_MLFLOW_WEIGHTS", "") not in ("", "0")
        for path in sorted(self.directory.iterdir()):
            wanted = weights or path.suffix != _WEIGHTS
            if wanted and path.is_file() and not path.is_symlink():
                self._client.log_artifact(self.run_id, str(path))


def is_known(server: Server, directory: Path, finished: str) -> bool:
    """Tell whether a server has all of a run.

    Args:
        server: The server.
        directory: The run's directory; it may have been moved since.
        finished: When it ended, as its record says.
    """
    return any(run.data.tags.get(_FINISHED) == finished for run in _known(server, directory, anywhere=True))


def _known(server: Server, directory: Path, *, anywhere: bool = False) -> list[Run]:
    """List the runs of a directory that the server has, the latest first."""
    place = "" if anywhere else f" and tags.`{_PLACE}` = '{_place(directory)}'"
    name = directory.name.replace("'", "")  # no name of a run has one
    return list(server.client.search_runs([server.experiment], f"tags.`{_NAME}` = '{name}'{place}"))


def _place(directory: Path) -> str:
    """Hash the path: a filter cannot hold every character that a path may have."""
    return hashlib.sha256(str(directory.absolute()).encode(errors="surrogateescape")).hexdigest()[:16]


def milliseconds(moment: str | None) -> int | None:
    """Turn ISO 8601 into milliseconds since 1970.

    >>> milliseconds("1970-01-01T00:00:02Z")
    2000
    """
    return round(1000 * datetime.fromisoformat(moment).timestamp()) if moment else None


def _metrics(values: Mapping[str, float], step: int, moment: int) -> list[Metric]:
    from mlflow.entities import Metric  # noqa: PLC0415 - slow to import

    return [Metric(name, value, moment, step) for name, value in values.items()]


def _now() -> int:
    return round(1000 * time.time())
