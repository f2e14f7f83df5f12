"""Zero-shot evaluation: a trained network on a corpus that it was not trained on, through a label map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.matrix.cells import scoring
from emonet_bench.matrix.cells.guards import check_probabilities
from emonet_bench.networks import Classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.facts import Parameters, PartitionFacts
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.spec import RunSpec
from emonet_bench.training import checkpoints
from emonet_bench.training.prediction import predict


def map_probabilities(
    probabilities: Tensor, labels: Sequence[str], counted: Mapping[str, str], targets: Sequence[str]
) -> Tensor:
    """Turn a network's probabilities into those of the labels that they count as.

    The probabilities of labels that count as the same are added, those of labels that count as nothing are dropped, and
    what is left is divided by its sum. Where nothing is left, all targets are equally probable.

    Args:
        probabilities: (N, K) of the network.
        labels: Its K labels.
        counted: What each of them counts as; ``""``: nothing.
        targets: The T labels wanted, in order.

    Returns:
        (N, T), rows sum to 1.

    >>> table = torch.tensor([[0.25, 0.25, 0.5]])
    >>> counted = {"fear": "high", "joy": "high", "surprise": ""}
    >>> map_probabilities(table, ["fear", "joy", "surprise"], counted, ["low", "high"])
    tensor([[0., 1.]])
    """
    sums = torch.zeros(len(probabilities), len(targets), dtype=probabilities.dtype)
    for index, label in enumerate(labels):
        if counted[label]:
            sums[:, targets.index(counted[label])] += probabilities[:, index]
    total = sums.sum(-1, keepdim=True)
    return torch.where(total > 0, sums / total.clamp(min=torch.finfo(sums.dtype).tiny), 1 / len(targets))


def tested(corpus: OpenCorpus, limit: int | None) -> list[int]:
    """Return the places of the clips that a protocol tests in any of its folds."""
    return sorted({place for fold in corpus.folds for place in corpus.divide(fold, limit)["test"]})


def evaluate(classifier: Classifier, spec: RunSpec, target: OpenCorpus, recipe: Training) -> tuple[Clips, Tensor]:
    """Score a network on another corpus.

    Args:
        classifier: The network of the run ``spec.source``.
        spec: The cell.
        target: The other corpus, under the label map.
        recipe: ``spec.training``, where to compute included.

    Returns:
        The clips that the target's protocol tests, and (N, T) probabilities of the target's labels.
    """
    assert spec.evaluate is not None
    classifier.to(recipe.device).select(spec.corpus)
    clips = target.clips(tested(target, recipe.limit)).to(torch.device(recipe.device))
    probabilities = predict(classifier, clips, recipe)
    check_probabilities(probabilities, target.corpus.name)
    return clips, map_probabilities(
        probabilities, list(spec.evaluate.labels), spec.evaluate.labels, target.corpus.labels
    )


def shared_clips(source: OpenCorpus, target: OpenCorpus, spec: RunSpec) -> int:
    """Count the scored clips whose audio the network heard in train or dev, too."""
    divided = source.divide(source.fold_or_first(spec.fold), spec.training.limit)
    heard = {source.audio.digests[place].tobytes() for part in ("train", "dev") for place in divided[part]}
    return sum(target.audio.digests[place].tobytes() in heard for place in tested(target, spec.training.limit))


def carry_out(
    spec: RunSpec, weights: Path, plugins: Plugins, opened: Mapping[str, OpenCorpus], directory: Path
) -> dict[str, Any]:
    """Carry out an ``evaluate`` cell: write its predictions and return what its ``RunRecord`` says of it.

    Args:
        spec: The cell.
        weights: The source's run.
        plugins: Where its architecture and strategy are registered.
        opened: The corpus that the network was trained on and the one to score.
        directory: Where the predictions go.
    """
    assert spec.evaluate is not None
    target = opened[spec.evaluate.corpus]
    classifier = checkpoints.rebuild(checkpoints.load(weights), plugins)
    clips, probabilities = evaluate(classifier, spec, target, spec.training)
    rows = scoring.prediction_rows({"test": clips}, {"test": probabilities})
    RunFiles(directory).write_predictions(clips.labels, rows)
    scored = scoring.score(clips, probabilities)
    shared = shared_clips(opened[spec.corpus], target, spec)
    facts = scoring.corpus_facts({target.corpus.name: target}, None, spec.training.limit)
    return {
        **facts,
        "partitions": {"test": PartitionFacts(**target.statistics(tested(target, spec.training.limit)))},
        "audit": "leaking" if shared else "clean",
        "shared_clips": shared,
        "scores": {"test": scored.scores},
        "confusion": {"test": scored.confusion},
        "parameters": Parameters(total=sum(tensor.numel() for tensor in classifier.parameters()), trainable=0),
    }
