"""Teachers of distillation: what a trained run, or a pretrained backbone, makes of the clips that a student hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from emonet_bench.config import Training, parse
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import ConfigError, TrainingError
from emonet_bench.networks import Classifier, build_classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.files import RunFiles
from emonet_bench.training import checkpoints
from emonet_bench.training.features import Parts, attach_features
from emonet_bench.training.prediction import embed_and_score
from emonet_bench.types import InputSpec, Teacher, TeacherOutputs, TrainingSet


def consult(run: Path, clips: Mapping[str, Clips], plugins: Plugins, user: str = "") -> Teacher:
    """Let a run that was trained on one corpus teach on clips of this one and of others.

    Each clip is heard once, as the run is scored: as a whole where its ``training.evaluation`` says so, whatever crops
    a student hears. What a frozen backbone makes of it is taken from the feature store.

    Args:
        run: The teacher's directory.
        clips: Training clips of each corpus, at its sampling rate, on the device to compute on.
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
    classifier.select(spec.corpus)
    outputs = {corpus: _outputs(classifier, part["train"], recipe, spec.title) for corpus, part in kept.items()}
    return Teacher(f"{spec.architecture} {spec.strategy}", outputs)


def consult_pretrained(
    architecture: str,
    options: Mapping[str, Any],
    clips: Mapping[str, Clips],
    recipe: Training,
    plugins: Plugins,
    user: str = "",
) -> Teacher:
    """Let the frozen part of a network teach as it is built: embeddings of whole clips, from the feature store.

    Args:
        architecture: Its architecture.
        options: All of its options.
        clips: Training clips of each corpus, on the device to compute on.
        recipe: How the student is trained: its sampling rate and precision of features hold for the teacher.
        plugins: Where the architecture is registered.
        user: Who asks, for the list of stores.

    Raises:
        ConfigError: The network has no frozen part.
        TrainingError: An embedding is not finite.
    """
    kind = plugins.architectures[architecture]
    network = kind.build(parse(kind.options, options, architecture), InputSpec(recipe.sampling_rate))
    if getattr(network, "frozen_id", None) is None or network.frozen_id() is None:
        raise ConfigError(
            f"the teacher {architecture} has no frozen part, so that without a training it tells nothing; "
            "name a backbone, or a strategy that trains it: teacher_strategy"
        )
    device = next(iter(clips.values())).starts.device
    heard = recipe.model_copy(update={"window": None, "evaluation": "whole", "augment": []})
    labels = next(iter(clips.values())).labels
    classifier = build_classifier(network, [TrainingSet("any", labels, 0)]).to(device)
    parts: Parts = {corpus: {"train": own} for corpus, own in clips.items()}
    kept, _ = attach_features(classifier, parts, heard, kind.fit is not None, user)
    told = {corpus: _outputs(classifier, part["train"], heard, architecture) for corpus, part in kept.items()}
    outputs = {corpus: replace(output, logits=None) for corpus, output in told.items()}
    return Teacher(f"{architecture} as it is, not trained here", outputs)


def _outputs(classifier: Classifier, clips: Clips, recipe: Training, title: str) -> TeacherOutputs:
    found = [rows.to(clips.starts.device) for rows in embed_and_score(classifier, clips, recipe)]
    if not all(bool(rows.isfinite().all()) for rows in found):
        raise TrainingError(f"the teacher {title} gives outputs that are not finite; train it again")
    return TeacherOutputs(*found)
