"""Teachers of distillation: what a trained run makes of the clips that a student hears."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.networks import Classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import RunSpec
from emonet_bench.training import checkpoints
from emonet_bench.training.features import Parts, attach_features
from emonet_bench.training.prediction import embed_and_score
from emonet_bench.types import Teacher, TeacherOutputs


def consult(run: Path, clips: Mapping[str, Clips], plugins: Plugins, user: str = "") -> Teacher:
    """Let a run that was trained on some corpora teach on their clips.

    Each clip is heard once, as the run is scored: as a whole where its ``training.evaluation`` says so, whatever crops
    a student hears. What a frozen backbone makes of it is taken from the feature store.

    Args:
        run: The teacher's directory.
        clips: Training clips of its corpora, at its sampling rate, on the device to compute on.
        plugins: Where its architecture and strategy are registered.
        user: Who asks, for the list of stores.

    Returns:
        The teacher, its outputs on the clips' device.

    Raises:
        ConfigError: The run's weights are missing or damaged.
        TrainingError: An output is not finite.
    """
    spec = RunFiles(run).read_record().spec
    checkpoint = checkpoints.load(run, plugins.architectures[spec.architecture].load_external)
    device = next(iter(clips.values())).starts.device
    recipe = spec.training.model_copy(update={"device": device.type, "threads": torch.get_num_threads()})
    classifier = checkpoints.untrained(checkpoint, plugins).to(device)
    fitted = plugins.architectures[spec.architecture].fit is not None
    parts: Parts = {corpus: {"train": own} for corpus, own in clips.items()}
    # The features' identity is that from before the fit or the training, which is what others have kept.
    kept, _ = attach_features(classifier, parts, recipe, fitted, user)
    checkpoints.load_weights(classifier, checkpoint)
    outputs = {corpus: _outputs(classifier, corpus, part["train"], recipe, spec) for corpus, part in kept.items()}
    return Teacher(f"{spec.architecture} {spec.strategy}", outputs)


def _outputs(classifier: Classifier, corpus: str, clips: Clips, recipe: Training, spec: RunSpec) -> TeacherOutputs:
    classifier.select(corpus)
    found = [rows.to(clips.starts.device) for rows in embed_and_score(classifier, clips, recipe)]
    if not all(bool(rows.isfinite().all()) for rows in found):
        raise TrainingError(f"the teacher {spec.title} gives outputs that are not finite; train it again")
    return TeacherOutputs(*found)
