"""Training: parameters, recipe, data and measured costs of the run that a file was exported from, by its record."""

from __future__ import annotations

from pathlib import Path

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.model_card.record import Training
from emonet_bench.runs.files import RECORD, RunFiles
from emonet_bench.runs.record import RunRecord


def find_record(model: Path, run_id: str, directory: Path | None) -> RunRecord | None:
    """Find the record of the run that a file was exported from.

    Args:
        model: The file; a run exports into its own directory.
        run_id: The run that the file names.
        directory: Where the user says that the run lies; None: beside the file, if it is there.

    Raises:
        ConfigError: The directory is another run's.
        StoreError: It holds no run.
    """
    if directory is not None:
        record = RunFiles(directory).read_record()
        if record.run_id != run_id:
            raise ConfigError(
                f"--run {directory}: is run {record.run_id}, and {model} was exported from run {run_id or 'unknown'}; "
                "name that one's directory, or leave it out"
            )
        return record
    if not (model.parent / RECORD).is_file():
        return None
    try:
        beside = RunFiles(model.parent).read_record()
    except StoreError:
        return None
    return beside if beside.run_id == run_id else None


def training_of(record: RunRecord, corpus: str) -> Training:
    """Take what a card tells of a training from the run's record.

    Args:
        record: The record.
        corpus: Which of its corpora the file is for.
    """
    spec = record.spec
    return Training(
        seed=spec.seed,
        options={
            f"architecture {spec.architecture}": spec.architecture_options,
            f"strategy {spec.strategy}": spec.strategy_options,
            "training": spec.training.model_dump(mode="json"),
        },
        partitions={name: part for name, part in record.facts(corpus).partitions.items() if name != "test"},
        parameters=record.parameters,
        best_epoch=record.best_epoch,
        seconds=record.seconds.get("train"),
        peak_memory_mb=record.peak_memory_mb,
        hardware=", ".join(filter(None, map(record.environment.get, ("device", "hardware", "platform")))),
        extensions=record.extensions,
    )
