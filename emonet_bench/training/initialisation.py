"""Initialisation: which of several weights training starts from, chosen on dev before the first epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips, shuffled
from emonet_bench.networks import Classifier, MaskedBatchNorm
from emonet_bench.networks.outputs import from_places
from emonet_bench.training.prediction import embed, embedding_pass, evaluation_input, forward_batch
from emonet_bench.types import Partition, Plan

HEARD: tuple[Partition, Partition] = ("train", "dev")
"""The partitions that a training hears."""


def one_partition(clips: Mapping[str, Mapping[Partition, Clips]], partition: Partition) -> dict[str, Clips]:
    """Return the clips of one partition, of each corpus."""
    return {name: parts[partition] for name, parts in clips.items()}


def initialise(
    plan: Plan, clips: Mapping[str, Mapping[Partition, Clips]], recipe: Training, seed: int
) -> dict[str, str]:
    """Load the best of a plan's initialisations, where there is a choice, see ``select_initialisation``.

    Args:
        plan: What the strategy prepared, on the device to train on.
        clips: Of each corpus and partition, on the same device.
        recipe: Its evaluation window, batch size and precision.
        seed: Of the order in which batch norms see the clips.

    Returns:
        Notes for the result.
    """
    if not plan.initialisations:
        return {}
    train_clips, dev_clips = (one_partition(clips, part) for part in HEARD)
    return {"start": select_initialisation(plan, train_clips, dev_clips, recipe, seed)}


def select_initialisation(
    plan: Plan, train_clips: Mapping[str, Clips], dev_clips: Mapping[str, Clips], recipe: Training, seed: int
) -> str:
    """Load the best of a plan's initialisations into its classifier.

    Heads are untrained yet; so each is judged by a linear probe (ridge regression to the labels, balanced, or to
    another target) of its embeddings, fitted on train and scored on dev, batch norms estimated anew on train. Of
    equals, the first is taken.

    Args:
        plan: What the strategy prepared, on the device to train on.
        train_clips: Training clips of each corpus, on the same device.
        dev_clips: Dev clips of each corpus, likewise.
        recipe: Its evaluation window, batch size and precision.
        seed: Of the order in which batch norms see the clips.

    Returns:
        What was chosen and what the others scored, for the result's notes.
    """
    classifier: Classifier = plan.classifier
    scores: dict[str, float] = {}
    for name, tensors in plan.initialisations.items():
        classifier.load_state_dict({**classifier.state_dict(), **tensors})
        probed = [
            _probe(classifier, corpus, clips, dev_clips[corpus], recipe, seed) for corpus, clips in train_clips.items()
        ]
        scores[name] = sum(probed) / len(probed)
    selects = next(iter(dev_clips.values())).selects
    best = max(scores, key=lambda name: selects.rank(scores[name]))
    classifier.load_state_dict({**classifier.state_dict(), **plan.initialisations[best]})
    for corpus, clips in train_clips.items():
        recalibrate_batch_norm(classifier, corpus, clips, recipe, seed)
    told = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    return f"{best}; {selects.title} of a linear probe on dev: {told}"


@torch.no_grad()
def recalibrate_batch_norm(classifier: Classifier, corpus: str, clips: Clips, recipe: Training, seed: int) -> None:
    """Estimate the statistics of one corpus's trainable batch norms on its clips; nothing else changes."""
    classifier.eval()
    classifier.select(corpus)
    network: Any = classifier.network
    norms = [module for module in network.modules() if isinstance(module, MaskedBatchNorm)]
    trained = [norm for norm in norms if norm.weight.requires_grad]
    if not trained:
        return
    for norm in trained:
        norm.reset_statistics()
        norm.train()
    input_spec = evaluation_input(recipe, classifier.network)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for drawn in shuffled(len(clips), recipe.batch_size):
            forward_batch(clips, drawn.to(clips.starts.device), input_spec, embedding_pass(classifier))
    for norm in trained:
        norm.reset_statistics()  # training begins its own statistics
    classifier.eval()


def _probe(classifier: Classifier, corpus: str, train: Clips, dev: Clips, recipe: Training, seed: int) -> float:
    from sklearn.linear_model import Ridge, RidgeClassifier  # noqa: PLC0415 - costly to import, rarely needed
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    recalibrate_batch_norm(classifier, corpus, train, recipe, seed)
    ridge = RidgeClassifier(class_weight="balanced") if dev.kind == "label" else Ridge()
    probe = make_pipeline(StandardScaler(), ridge)
    probe.fit(embed(classifier, train, recipe).numpy(), train.targets.cpu().numpy())
    found = probe.predict(embed(classifier, dev, recipe).numpy())
    if dev.target is None or dev.kind == "label":
        predicted = np.eye(len(dev.labels))[found]
    else:
        predicted = from_places(torch.from_numpy(found), dev.target).numpy()
    return dev.selects.dev_score(dev.truth().numpy(), predicted, dev.labels)
