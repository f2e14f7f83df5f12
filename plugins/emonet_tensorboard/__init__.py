"""Scalars for TensorBoard, where that is installed: each epoch's loss, dev UAR and learning rate, and the final scores.

They lie in ``.tensorboard/`` beside the runs: ``tensorboard --logdir results/.tensorboard``.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench import hookimpl

if TYPE_CHECKING:
    from emonet_bench.runs.spec import RunResult

FOLDER = ".tensorboard"
_SCALARS = ("loss", "learning_rate")

_writers: dict[Path, Any] = {}  # of the runs that are going on


@hookimpl
def emonet_run_started(directory: Path) -> None:
    """Begin a run's scalars anew: of a continued training, all epochs are told again."""
    _close(directory)
    if find_spec("tensorboard") is None:
        return
    folder = directory.parent / FOLDER / directory.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # TensorBoard's own file writer, and torch's, write in a thread, where a full disk cannot be told from a crash.
    stream = (folder / f"events.out.tfevents.{int(time.time())}").open("wb")
    _writers[directory] = import_module("tensorboard.summary.writer.record_writer").RecordWriter(stream)
    _write(_writers[directory], file_version="brain.Event:2")


@hookimpl
def emonet_epoch_finished(epoch: int, scores: Mapping[str, float], directory: Path) -> None:
    """Write an epoch's scalars, at once: somebody may be looking."""
    writer = _writers.get(directory)
    if writer is None:
        return
    for name, value in scores.items():
        if name in _SCALARS or name.startswith("dev_"):
            _scalar(writer, f"epoch/{name}", value, epoch)
    writer.flush()


@hookimpl
def emonet_run_finished(result: RunResult, directory: Path) -> None:
    """Write the scores of the best epoch."""
    writer = _writers.get(directory)
    if writer is None:
        return
    for part, scores in result.record["scores"].items():
        told = scores.get("metrics") or {name: scores[name] for name in ("uar", "accuracy")}
        for name, value in told.items():
            _scalar(writer, f"{part}/{name}", value, result.record.get("best_epoch", 0))
    _close(directory)


@hookimpl
def emonet_run_failed(directory: Path) -> None:
    """Keep what there is."""
    _close(directory)


def _scalar(writer: Any, name: str, value: float, step: int) -> None:
    summary = import_module("tensorboard.compat.proto.summary_pb2").Summary
    _write(writer, step=step, summary=summary(value=[summary.Value(tag=name, simple_value=value)]))


def _write(writer: Any, **content: Any) -> None:
    event = import_module("tensorboard.compat.proto.event_pb2").Event(wall_time=time.time(), **content)
    writer.write(event.SerializeToString())


def _close(directory: Path) -> None:
    writer = _writers.pop(directory, None)
    if writer is not None:
        writer.close()
