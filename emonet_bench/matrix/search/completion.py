"""Completion of a search: a tuned run takes over the network of the trial that was chosen, to be tested."""

from __future__ import annotations

from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord
from emonet_bench.training import checkpoints
from emonet_bench.types import Plan


def take_over(plan: Plan, trial: RunFiles, files: RunFiles) -> RunRecord:
    """Load the weights of a trial into a plan's classifier, and copy the history of its training.

    Args:
        plan: As it was prepared for the trial.
        trial: The files of the trial.
        files: Those of the tuned run.

    Returns:
        The record of the trial.
    """
    plan.classifier.load_state_dict(dict(checkpoints.load(trial.directory).tensors))
    writer = files.history_writer()
    for epoch in trial.read_history():
        writer.write(epoch)
    return trial.read_record()
