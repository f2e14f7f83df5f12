"""For architectures that are fitted, not trained by gradients: a linear head, and a support vector svm in it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.networks import Classifier, two_class_logits

ABSENT_LOGIT = -1000.0
"""The logit of a label that no training clip has."""

FLAT = 1e-4
"""A feature whose standard deviation over train is smaller is rounding, not speech; it is not blown up to one."""

Array = npt.NDArray[np.float64]


class LinearHead(nn.Module):
    """A linear layer; two classes have one unit z for the second label: logits (N, 2) = [0, z]."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.output = nn.Linear(dim, 1 if classes == 2 else classes)  # noqa: PLR2004

    def forward(self, embedding: Tensor) -> Tensor:
        """Map embeddings (N, D) to logits (N, classes)."""
        return two_class_logits(self.output(embedding))

    @torch.no_grad()
    def set(self, weight: Tensor, bias: Tensor) -> None:
        """Set weight (classes, D) and bias (classes,) of the logits; of two classes the difference is kept."""
        if len(weight) != self.output.out_features:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        self.output.weight.copy_(weight)
        self.output.bias.copy_(bias)


class LinearModelOptions(Protocol):
    """What an architecture's options say of its svm.

    Attributes:
        c_grid: Costs C of a mistake to choose from.
        balanced: Whether classes are weighed by their inverse frequency in train.
        batch_size: Clips that are held at once.
    """

    @property
    def c_grid(self) -> Sequence[float]: ...  # noqa: D102 - above

    @property
    def balanced(self) -> bool: ...  # noqa: D102

    @property
    def batch_size(self) -> int: ...  # noqa: D102


def fit_svm(classifier: Classifier, train: Clips, dev: Clips, options: LinearModelOptions, seed: int) -> None:
    """Standardise a network's features on train, choose C by UAR on dev, and write the svm into the head.

    It is an ``Architecture.fit``.

    Args:
        classifier: Its head is a ``LinearHead``. Its network embeds a clip as (features - ``mean``) / ``scale``; these
            two buffers (D,), still zeros and ones, are set here.
        train: Clips to fit the svm to.
        dev: Clips to choose C on; of equally good machines, the one with the smallest C is taken.
        options: Those of the architecture.
        seed: Of the svm.

    Raises:
        TrainingError: All training clips have one label.
    """
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - slow to import

    if len(set(train.targets.tolist())) < 2:  # noqa: PLR2004
        raise TrainingError("all training clips have one label; use a protocol or a limit that leaves at least two")
    network: Any = classifier.eval().network
    features, dev_features = (_features(network, clips, options.batch_size) for clips in (train, dev))
    scaler = StandardScaler().fit(features)
    scaler.scale_[scaler.scale_ < FLAT] = 1.0
    network.mean.copy_(torch.from_numpy(scaler.mean_))
    network.scale.copy_(torch.from_numpy(scaler.scale_))
    features, dev_features = scaler.transform(features), scaler.transform(dev_features)
    targets, truth, labels = train.targets.cpu().numpy(), dev.targets.tolist(), range(len(dev.labels))
    weights = "balanced" if options.balanced else None
    svm = max(
        (_fit_linear_svc(features, targets, c, weights, seed) for c in sorted(options.c_grid)),
        key=lambda svm: unweighted_average_recall(truth, svm.predict(dev_features).tolist(), labels),
    )
    head: Any = classifier.heads.active
    head.set(*_as_logits(svm, len(train.labels)))


def _fit_linear_svc(features: Array, targets: npt.NDArray[np.int64], c: float, weights: str | None, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    svm = LinearSVC(C=c, class_weight=weights, dual=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # dev decides what a large C is worth
        return svm.fit(features, targets)


def _as_logits(svm: Any, classes: int) -> tuple[Tensor, Tensor]:
    """Spread the decision functions of the labels in train over all labels: weight (classes, D), bias (classes,)."""
    weight = torch.zeros(classes, svm.coef_.shape[1])
    bias = torch.full((classes,), ABSENT_LOGIT)
    present = torch.from_numpy(svm.classes_)
    bias[present] = 0.0
    if len(present) == 2:  # noqa: PLR2004 - one function, positive for the second
        present = present[1:]
    weight[present] = torch.from_numpy(svm.coef_).float()
    bias[present] = torch.from_numpy(svm.intercept_).float()
    return weight, bias


@torch.inference_mode()
def _features(network: Any, clips: Clips, batch_size: int) -> Array:
    """Embed all clips, whole, with a network that is not standardised yet: (N, D) in the order of the clips."""
    features = np.empty((len(clips), network.dim))
    for batch in clips.in_order(batch_size):
        features[batch.index.cpu().numpy()] = network.embed(batch.waveform, batch.lengths).cpu().numpy()
    return features
