"""Probes: a frozen backbone with a linear classifier that is fitted without gradients, layer and cost chosen on dev."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emonet_bench.batches import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.linear import FLAT, NEVER, LinearHead
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.networks import Classifier
from emonet_bench.types import AdapterPoint, Signal
from emonet_ssl.options import ProbeOptions
from emonet_ssl.pooled import PooledNetwork, backbone

Array = npt.NDArray[np.float64]


class ProbeNetwork(PooledNetwork):
    """One hidden state, pooled over time; before the fit, all that it is chosen from.

    Which one was chosen is in the ``state_dict``: a network that loads it drops the layers above, too.

    Attributes:
        candidates: The hidden states to choose from.
    """

    chosen: Tensor

    def __init__(self, options: ProbeOptions, signal: Signal) -> None:
        super().__init__(options, signal)
        self.options, self.candidates = options, options.states
        self.register_buffer("chosen", torch.tensor(options.highest))

    def join(self, rows: Tensor) -> Tensor:
        """Take the chosen row (N, D) of all candidates' (N, L, D); before the fit, the highest layer's."""
        return rows[:, self.candidates.index(int(self.chosen))]

    def rows(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Return the rows of all candidates (N, L, D), not standardised, before the fit."""
        rows = self.normalised(self.frozen(waveform, lengths).values)
        return rows.reshape(len(rows), len(self.states), self.dim)

    def choose(self, layer: int) -> None:
        """Use one hidden state and drop the layers above it."""
        if layer > self.states[-1]:  # they were dropped
            self.backbone = backbone(self.options).to(self.mean).requires_grad_(requires_grad=False)
        self.backbone.drop_above(layer)
        self.states = (layer,)
        self.chosen.fill_(layer)

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Return none: nothing is trained by gradients."""
        return {}

    def make_head(self, classes: int) -> LinearHead:
        """Make the head that holds the probe."""
        return LinearHead(self.dim, classes)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        if (chosen := state_dict.get(f"{prefix}chosen")) is not None and prefix + "mean" in state_dict:
            self.choose(int(chosen))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def fit(classifier: Classifier, train: Clips, dev: Clips, options: ProbeOptions, seed: int) -> None:
    """Choose layer and cost by UAR on dev, and write the probe into the head; it is an ``Architecture.fit``.

    Every clip is heard once, for all layers. Of equally good ones the lowest layer is taken, then the smallest C.

    Raises:
        TrainingError: All training clips have one label.
    """
    if len(set(train.targets.tolist())) < 2:  # noqa: PLR2004
        raise TrainingError("all training clips have one label; use a protocol or a limit that leaves at least two")
    network: Any = classifier.eval().network
    rows, rows_dev = (_rows(network, clips, options.batch_size) for clips in (train, dev))
    truth, labels = dev.targets.tolist(), range(len(dev.labels))

    def score(found: tuple[int, Any, Any]) -> float:
        place, scaler, machine = found
        return unweighted_average_recall(truth, machine.predict(scaler.transform(rows_dev[:, place])).tolist(), labels)

    place, scaler, machine = max(_candidates(rows, train.targets.cpu().numpy(), options, seed), key=score)
    network.choose(network.candidates[place])
    network.mean.copy_(torch.from_numpy(scaler.mean_))
    network.scale.copy_(torch.from_numpy(scaler.scale_))
    head: Any = classifier.heads.active
    head.set(*_as_logits(machine, len(train.labels)))


def _candidates(
    rows: Array, targets: npt.NDArray[np.int64], options: ProbeOptions, seed: int
) -> Iterator[tuple[int, Any, Any]]:
    """Yield the place of a layer, its scaler and its machine: for every layer, for every cost, ascending."""
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - slow to import

    for place in range(rows.shape[1]):
        scaler = StandardScaler().fit(rows[:, place])
        scaler.scale_[scaler.scale_ < FLAT] = 1.0
        standardised = scaler.transform(rows[:, place])
        for c in sorted(options.c_grid):
            yield place, scaler, _fitted(_machine(options, c, seed), standardised, targets)


def _machine(options: ProbeOptions, c: float, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow to import
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    weights = "balanced" if options.balanced else None
    if options.probe == "svm":
        return LinearSVC(C=c, class_weight=weights, dual=True, random_state=seed)
    return LogisticRegression(C=c, class_weight=weights, max_iter=1000, random_state=seed)


def _fitted(machine: Any, rows: Array, targets: npt.NDArray[np.int64]) -> Any:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # dev decides what a large C is worth
        return machine.fit(rows, targets)


def _as_logits(machine: Any, classes: int) -> tuple[Tensor, Tensor]:
    """Spread the decision functions of the labels in train over all labels: weight (classes, D), bias (classes,)."""
    weight = torch.zeros(classes, machine.coef_.shape[1])
    bias = torch.full((classes,), NEVER)
    present = torch.from_numpy(machine.classes_)
    bias[present] = 0.0
    if len(machine.coef_) == 1:  # one function, positive for the second of two labels
        present = present[1:]
    weight[present] = torch.from_numpy(machine.coef_).float()
    bias[present] = torch.from_numpy(machine.intercept_).float()
    return weight, bias


@torch.inference_mode()
def _rows(network: ProbeNetwork, clips: Clips, batch_size: int) -> Array:
    """Compute the rows of all candidates, for all clips, whole: (N, L, D) in the order of the clips."""
    found = np.empty((len(clips), len(network.candidates), network.dim))
    for batch in clips.in_order(batch_size):
        found[batch.index.cpu().numpy()] = network.rows(batch.waveform, batch.lengths).cpu().numpy()
    return found
