"""What is written down of a run: history, predictions, scores, and the facts around them."""

from __future__ import annotations

import csv
import os
import platform
import resource
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emonet_bench import audit, metrics
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.runs.store import atomic_replace
from emonet_bench.training.loop import Epoch
from emonet_bench.training.prediction import label_names
from emonet_bench.types import Partition, Plan

EVALUATED: tuple[Partition, ...] = ("dev", "test")


class History:
    """``history.csv``, whole after each epoch, so that another process can follow it.

    Args:
        path: Its path; rows that an interrupted training has left there are kept.
    """

    COLUMNS = ("epoch", "loss", "dev_uar", "learning_rate", "seconds")

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines()[1:] if path.exists() else []
        self._rows = {int(line.partition(",")[0]): line for line in lines}

    def write(self, epoch: Epoch) -> None:
        """Add one epoch; what an interrupted training has written of it and of later ones is dropped."""
        self._rows = {number: line for number, line in self._rows.items() if number < epoch.epoch}
        self._rows[epoch.epoch] = (
            f"{epoch.epoch},{epoch.loss:.6f},{epoch.dev_uar:.6f},{epoch.learning_rate:.3e},{epoch.seconds:.3f}"
        )
        staging = self.path.with_suffix(".part")
        staging.write_text("\n".join([",".join(self.COLUMNS), *self._rows.values(), ""]), encoding="utf-8")
        atomic_replace(staging, self.path)


def score(clips: Clips, probabilities: Tensor) -> dict[str, Any]:
    """Score predictions in the form of ``result.json``, the confusion matrix included."""
    truth, prediction = label_names(clips, probabilities.argmax(-1))
    confusion = metrics.confusion(truth, prediction, clips.labels).tolist()
    return {"scores": metrics.scores(truth, prediction, clips.labels), "confusion": confusion}


def write_predictions(path: Path, parts: Mapping[Partition, Clips], probabilities: Mapping[Partition, Tensor]) -> None:
    """Write ``predictions.csv``: utterance, partition, speaker, truth, prediction and each label's probability."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        labels = next(iter(parts.values())).labels
        writer.writerow(["utterance", "partition", "speaker", "truth", "prediction", *labels])
        for part, rows in probabilities.items():
            clips = parts[part]
            truth, prediction = label_names(clips, rows.argmax(-1))
            speakers = [speaker or "" for speaker in clips.speakers]
            for *facts, row in zip(clips.names, speakers, truth, prediction, rows.tolist(), strict=True):
                writer.writerow([facts[0], part, *facts[1:], *(f"{value:.6g}" for value in row)])


def joint_scores(scored: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put each corpus's scores in the form of ``result.json``; several corpora are averaged and listed."""
    if len(scored) == 1:
        (parts,) = scored.values()
        return {key: {part: parts[part][key] for part in EVALUATED} for key in ("scores", "confusion")}
    means = {
        part: {key: _mean([parts[part]["scores"][key] for parts in scored.values()]) for key in ("uar", "accuracy")}
        for part in EVALUATED
    }
    return {"scores": means, "per_corpus": {name: dict(parts) for name, parts in scored.items()}}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def fold_of(corpus: OpenCorpus, fold: int | None) -> int | None:
    """Return the fold for a corpus of a joint cell: its own first one where the cell names none that it has."""
    return fold if fold in corpus.folds else corpus.folds[0]


def corpus_facts(opened: Mapping[str, OpenCorpus], fold: int | None, limit: int | None) -> dict[str, Any]:
    """State labels, protocol, content and partitions of the run's corpora."""

    def facts(corpus: OpenCorpus) -> dict[str, Any]:
        divided = corpus.divide(fold_of(corpus, fold), limit)
        return {
            "labels": list(corpus.corpus.labels),
            "protocol_id": corpus.protocol_id(limit),
            "fingerprint": corpus.fingerprint,
            "audit": audit.verdict(audit.quick(corpus)),
            "coverage": corpus.coverage.facts(),
            "skipped_files": corpus.skipped_files,
            "synthetic": corpus.corpus.synthetic,
            "licence": corpus.corpus.licence,
            "partitions": {part: corpus.statistics(index) for part, index in divided.items()},
        }

    if len(opened) == 1:
        (corpus,) = opened.values()
        return facts(corpus)
    return {"corpora": {name: facts(corpus) for name, corpus in opened.items()}}


def parameters(plan: Plan) -> dict[str, int]:
    """Count all parameters of a plan's classifier, and those that are trained."""
    trained = {id(p): p.numel() for group in plan.groups for p in group.parameters}
    return {
        "total": sum(parameter.numel() for parameter in plan.classifier.parameters()),
        "trainable": sum(trained.values()),
    }


def forget_peak_memory(device: torch.device) -> None:
    """Begin to measure anew, where the system allows it: a worker runs one cell after another."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # see proc(5)


def peak_memory_mb(device: torch.device) -> int:
    """Return the most memory used, in MiB: of the process, or of the GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) // 2**20
    try:  # getrusage knows the peak, too, but counts what the parent had when it started this process
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024
    except (OSError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 2**20


def environment(device: torch.device) -> dict[str, str]:
    """Describe the software and hardware of a run."""
    hardware = (
        torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    )
    return {
        "emonet-bench": version("emonet-bench"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "device": device.type,
        "hardware": hardware,
        "cores": str(os.cpu_count()),
    }


def describe_error(error: BaseException) -> dict[str, str]:
    """Put an exception in the form of ``result.json``."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
    }


def utc(moment: datetime) -> str:
    """Write a UTC moment as ISO 8601.

    >>> utc(datetime.fromisoformat("2026-01-02T03:04:05+00:00"))
    '2026-01-02T03:04:05Z'
    """
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
