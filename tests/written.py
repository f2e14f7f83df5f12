"""Run directories written by hand, as docs/results.md describes them."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np

from emonet_bench.config import Training
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.spec import Cell, RunSpec

LABELS = ("anger", "joy", "neutral")


def identity(name):
    """A run id made of a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def planned_cell(name, source=None, skip=None):
    """A cell of a corpus of this name, perhaps with a source, or one that is skipped."""
    spec = RunSpec(
        corpus=name,
        protocol="p",
        architecture="a",
        architecture_options={},
        strategy="s",
        strategy_options={},
        training=Training(),
        seed=0,
    )
    return Cell(spec, identity(name), source=source and identity(source), skip=skip)


def trainable_spec(architecture, batch_size=4, **options):
    """A run of an architecture from scratch, with all its options, that a CPU can try."""
    registered = Plugins().architectures[architecture].options
    return RunSpec(
        corpus="c",
        protocol="p",
        architecture=architecture,
        architecture_options=registered(**options).model_dump(mode="json"),
        strategy="scratch",
        strategy_options={},
        training=Training(batch_size=batch_size, window=0.5, device="cpu", precision="float32"),
        seed=0,
    )


def finished(cell, **changes):
    """The record of a cell that has finished; ``error`` makes it one that has failed."""
    told = {"schema_version": 2, "run_id": cell.run_id, "spec": cell.spec}
    if "error" not in changes:
        told |= {"scores": {"test": {"uar": 0.5}}, "labels": list(LABELS)}
    return RunRecord(**told | changes)


class Results:
    """Writes run directories as docs/results.md describes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def add(
        self,
        corpus="emo",
        architecture="cnn",
        strategy="scratch",
        seed=0,
        fold=None,
        rows=None,
        right=1.0,
        error=None,
        protocol="fixed",
        protocol_id="aaaa",
        source=None,
        finished="2026-01-01T00:00:00Z",
        evaluate=None,
        **changes,
    ):
        options = changes.pop("options", {})
        training = {"epochs": 2, "limit": None} | changes.pop("training", {})
        self.count += 1
        run_id = changes.pop("run_id", f"{self.count:08x}" + 8 * "0")
        path = (
            self.folder
            / f"{corpus}-{architecture}-{strategy}-s{seed}{'' if fold is None else f'-f{fold}'}-{run_id[:8]}"
        )
        path.mkdir(parents=True)
        spec = {
            "corpus": corpus, "protocol": protocol, "architecture": architecture, "architecture_options": options,
            "strategy": strategy, "strategy_options": {}, "training": training, "seed": seed, "fold": fold, "source": source,
        }  # fmt: skip
        spec |= {"evaluate": evaluate} if evaluate else {}
        record = {"schema_version": 1, "run_id": run_id, "spec": spec, "finished": finished}
        if error:
            record["error"] = {"type": "RuntimeError", "message": error, "traceback": "..."}
        else:
            rows = rows if rows is not None else clips(right=right, seed=seed)
            record |= {
                "scores": {"dev": {"uar": 0.5}, "test": {"uar": 0.5}}, "labels": list(LABELS), "protocol_id": protocol_id,
                "synthetic": False, "parameters": {"total": 317_814, "trainable": 4321}, "seconds": {"train": 12.3},
            }  # fmt: skip
            self.predictions(path / "predictions.csv", rows)
        (path / "result.json").write_text(json.dumps(record | changes))
        return path

    def predictions(self, path, rows):
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["utterance", "partition", "speaker", "truth", "prediction", *LABELS])
            writer.writerow(["devclip", "dev", "s9", "anger", "joy", 0, 1, 0])
            for name, speaker, truth, prediction in rows:
                writer.writerow(
                    [name, "test", speaker, truth, prediction, *(int(label == prediction) for label in LABELS)]
                )


def clips(count=120, speakers=8, right=1.0, seed=0, prefix="c"):
    """Clips with the same names, speakers and truth for every seed; about the given share is predicted rightly."""
    truth = np.random.default_rng(99).choice(LABELS, count)
    generator = np.random.default_rng(seed)
    guess = np.where(generator.random(count) < right, truth, generator.choice(LABELS, count))
    return [
        (f"{prefix}{i}", f"s{i % speakers}" if speakers else "", str(truth[i]), str(guess[i])) for i in range(count)
    ]
