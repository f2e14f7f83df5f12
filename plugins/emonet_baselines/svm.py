"""A linear support vector machine on functionals: what speech emotion recognition did before networks, as a network."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emonet_baselines.functionals import Functionals
from emonet_baselines.head import LinearHead
from emonet_baselines.options import SvmOptions
from emonet_bench.batches import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.frontend import LogMel, Mfcc
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.networks import Classifier
from emonet_bench.types import AdapterPoint, Signal

NEVER = -1000.0
"""The logit of a label that no training clip has."""

FLAT = 1e-4
"""A functional whose standard deviation over train is smaller is rounding, not speech; it is not blown up to one."""

Array = npt.NDArray[np.float64]


class SvmNetwork(nn.Module):
    """Standardised functionals of the front end's contours.

    Attributes:
        dim: Number D of functionals.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, options: SvmOptions, signal: Signal) -> None:
        super().__init__()
        if options.features == "mfcc":
            self.front_end: LogMel = Mfcc(options, signal.sampling_rate, options.num_mfccs)
        else:
            self.front_end = LogMel(options, signal.sampling_rate)
        self.functionals = Functionals()
        self.dim = self.front_end.bands * Functionals.count
        self.register_buffer("mean", torch.zeros(self.dim))
        self.register_buffer("scale", torch.ones(self.dim))

    def embed(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Embed waveforms (N, S) with valid lengths (N,): (N, D)."""
        heard: Tensor = self.functionals(*self.front_end(waveform, lengths))
        return (heard - self.mean) / self.scale

    def adapter_points(self) -> Mapping[str, AdapterPoint]:
        """Return none: nothing is trained by gradients."""
        return {}

    def make_head(self, classes: int) -> LinearHead:
        """Make the head that holds the support vector machine."""
        return LinearHead(self.dim, classes)


def fit(classifier: Classifier, train: Clips, dev: Clips, options: SvmOptions, seed: int) -> None:
    """Standardise the functionals on train, choose C by UAR on dev, and write the machine into the head.

    Raises:
        TrainingError: All training clips have one label.
    """
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - slow to import

    if len(set(train.targets.tolist())) < 2:  # noqa: PLR2004
        raise TrainingError(
            "svm: all training clips have one label; use a protocol or a limit that leaves at least two"
        )
    network: Any = classifier.eval().network
    heard, heard_dev = (_functionals(network, clips, options.batch_size) for clips in (train, dev))
    scaler = StandardScaler().fit(heard)
    scaler.scale_[scaler.scale_ < FLAT] = 1.0
    network.mean.copy_(torch.from_numpy(scaler.mean_))
    network.scale.copy_(torch.from_numpy(scaler.scale_))
    machine = _choose(scaler.transform(heard), scaler.transform(heard_dev), train, dev, options, seed)
    head: Any = classifier.heads.active
    head.set(*_as_logits(machine, len(train.labels)))


def _choose(heard: Array, heard_dev: Array, train: Clips, dev: Clips, options: SvmOptions, seed: int) -> Any:
    """Return the machine with the best UAR on dev; of equals, the one with the smallest C."""
    machines = [_machine(heard, train.targets.cpu().numpy(), c, options.balanced, seed) for c in sorted(options.c_grid)]
    truth = dev.targets.tolist()
    labels = range(len(dev.labels))
    return max(
        machines, key=lambda machine: unweighted_average_recall(truth, machine.predict(heard_dev).tolist(), labels)
    )


def _machine(heard: Array, targets: npt.NDArray[np.int64], c: float, balanced: bool, seed: int) -> Any:  # noqa: FBT001
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    machine = LinearSVC(C=c, class_weight="balanced" if balanced else None, dual=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # dev decides what a large C is worth
        return machine.fit(heard, targets)


def _as_logits(machine: Any, classes: int) -> tuple[Tensor, Tensor]:
    """Spread the decision functions of the labels in train over all labels: weight (classes, D), bias (classes,)."""
    weight = torch.zeros(classes, machine.coef_.shape[1])
    bias = torch.full((classes,), NEVER)
    present = torch.from_numpy(machine.classes_)
    bias[present] = 0.0
    if len(present) == 2:  # noqa: PLR2004 - one function, positive for the second
        present = present[1:]
    weight[present] = torch.from_numpy(machine.coef_).float()
    bias[present] = torch.from_numpy(machine.intercept_).float()
    return weight, bias


@torch.inference_mode()
def _functionals(network: Any, clips: Clips, batch_size: int) -> Array:
    """Embed all clips, whole, with a network that is not standardised yet: (N, D) in the order of the clips."""
    heard = np.empty((len(clips), network.dim))
    for batch in clips.in_order(batch_size):
        heard[batch.index.cpu().numpy()] = network.embed(batch.waveform, batch.lengths).cpu().numpy()
    return heard
