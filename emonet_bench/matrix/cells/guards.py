"""Guards around a cell: what it opens must be what was planned, and what it leaves must be finite numbers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.errors import ConfigError, TrainingError
from emonet_bench.networks import Classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.spec import Cell
from emonet_bench.training import losses
from emonet_bench.training.prediction import predict_alone

_ROUNDING = 1e-3
"""How far apart predictions, or places on a scale, may be by the order in which sums are made; well above float32's."""

_REMEDY = "run the matrix again, so that it is planned anew"


class ChangedSincePlanned(ConfigError):  # noqa: N818 - a state, not a failure of the cell
    """What a cell's identity rests on is no longer so; under its run id nothing may be written."""


def check_as_planned(cell: Cell, opened: Mapping[str, OpenCorpus], plugins: Plugins) -> None:
    """Hold corpora and code, as a worker finds them, to what the cell's identity was made of.

    Args:
        cell: The cell; one that was not planned passes.
        opened: Its corpora.
        plugins: The plugins.

    Raises:
        ChangedSincePlanned: Audio, labels, partitions or code are not what they were.
    """
    if not cell.context:
        return
    limit = cell.spec.training.limit
    for (name, corpus), (fingerprint, protocol_id) in zip(opened.items(), cell.context["corpora"], strict=True):
        if corpus.fingerprint != fingerprint:
            raise ChangedSincePlanned(f"corpus {name}: its audio or labels have changed since planning; {_REMEDY}")
        if corpus.protocol_id(limit) != protocol_id:
            raise ChangedSincePlanned(f"corpus {name}: its partitions have changed since planning; {_REMEDY}")
    for (name, corpus), planned in zip(opened.items(), cell.context.get("auxiliary", ()), strict=False):
        if [corpus.auxiliary_id(target) for target in cell.spec.training.auxiliary] != planned:
            raise ChangedSincePlanned(f"corpus {name}: its auxiliary targets have changed since planning; {_REMEDY}")
    here = plugins.versions()
    for plugin, version in cell.context["plugins"].items():
        if plugin in here and here[plugin] != version:
            raise ChangedSincePlanned(
                f"plugin {plugin}: its code is {here[plugin]} here and was {version} in planning; {_REMEDY}"
            )


def check_labels(train_clips: Mapping[str, Clips]) -> None:
    """Hold the training clips of each corpus to have two labels at least: of one there is nothing to learn.

    Raises:
        TrainingError: They have one.
    """
    for name, clips in train_clips.items():
        try:
            losses.check_labels(clips.targets)
        except TrainingError as error:
            raise TrainingError(f"corpus {name}: {error}") from None


def check_weights(classifier: Classifier) -> None:
    """Hold a trained network's weights and statistics to be finite.

    Raises:
        TrainingError: One is NaN or infinite.
    """
    for name, tensor in classifier.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise TrainingError(f"the trained network holds NaN or infinity ({name}); lower training.learning_rate")


def apart_when_alone(classifier: Classifier, clips: Clips, recipe: Training, predicted: Tensor) -> str:
    """Say where the prediction of a clip is not the clip's own: alone it is another one than beside others.

    A score then says little of the network that is stored and deployed. The shortest clip is tried, which had most
    padding.

    Args:
        classifier: The network, with the branches that have predicted.
        clips: The clips.
        recipe: How they are heard.
        predicted: (N, K) what was predicted of them.

    Returns:
        A sentence; empty where it is the same.
    """
    index, alone = predict_alone(classifier, clips, recipe)
    spans = [1.0] if clips.target is None else [high - low for low, high in clips.target.scales] or [1.0]
    apart = float(((alone - predicted[index]).abs() / torch.tensor(spans)).max())
    if apart <= _ROUNDING:
        return ""
    return (
        f"{clips.names[index]} is predicted otherwise alone than beside other clips, by {apart:.2g}: in evaluation a "
        "network must neither be random, keep what it has heard, mix clips nor hear padding; try 'plugins check'"
    )


def check_probabilities(probabilities: Tensor, name: str) -> None:
    """Hold predictions (N, K) to be finite.

    Args:
        probabilities: The predictions.
        name: The corpus, for the message.

    Raises:
        TrainingError: One is NaN or infinite.
    """
    bad = ~torch.isfinite(probabilities).all(-1)
    if bool(bad.any()):
        count = f"{int(bad.sum())} of {len(bad)} clips"
        raise TrainingError(f"corpus {name}: the network gives NaN for {count}; lower training.learning_rate")
