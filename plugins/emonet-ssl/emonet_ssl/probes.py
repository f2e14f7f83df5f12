"""Probes: a frozen backbone with a linear classifier that is fitted without gradients, layer and cost chosen on dev."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from emonet_bench.data.dataset import Clips
from emonet_bench.networks import Classifier
from emonet_bench.training.linear_models import LinearHead, choose_linear_model, compute_rows
from emonet_bench.training.losses import check_labels
from emonet_bench.training.prediction import Pass
from emonet_bench.types import AdapterPoint, FrozenFeatures, InputSpec
from emonet_ssl.options import ProbeOptions
from emonet_ssl.pooled import PooledNetwork, backbone


class ProbeNetwork(PooledNetwork):
    """Pooled hidden states: one of the candidates, chosen by the fit; or all of them side by side.

    Which one was chosen is in the ``state_dict``: a network that loads it drops the layers above, too.

    Attributes:
        candidates: The hidden states to choose from, or to put side by side.
    """

    chosen: Tensor

    def __init__(self, options: ProbeOptions, input_spec: InputSpec) -> None:
        super().__init__(options, input_spec)
        self.options, self.candidates = options, options.states
        self.concatenates = options.combine == "concatenate"
        if self.concatenates:
            self.dim *= len(self.candidates)
            self.register_buffer("mean", torch.zeros(self.dim))
            self.register_buffer("scale", torch.ones(self.dim))
        self.register_buffer("chosen", torch.tensor(options.highest))

    def join(self, rows: Tensor) -> Tensor:
        """Make one row (N, D) of all candidates' (N, L, D'): the chosen one, before the fit the highest; or all."""
        return rows.flatten(1) if self.concatenates else rows[:, self.candidates.index(int(self.chosen))]

    def rows(self, waveform: Tensor, lengths: Tensor | None) -> Tensor:
        """Return what a model is fitted to, not standardised, before the fit: (N, L, D), one row for each choice."""
        return self.kept_rows(self.frozen(waveform, lengths))

    def kept_rows(self, features: FrozenFeatures) -> Tensor:
        """Return the same of what ``frozen`` gave."""
        rows = self.normalised(features.values)
        return rows.reshape(len(rows), -1, self.dim)

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

    def make_head(self, classes: int, *, independent: bool = False) -> LinearHead:
        """Make the head that holds the probe."""
        return LinearHead(self.dim, classes, independent=independent)

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        chosen = state_dict.get(f"{prefix}chosen")
        if not self.concatenates and chosen is not None and prefix + "mean" in state_dict:
            self.choose(int(chosen))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def fit(classifier: Classifier, train: Clips, dev: Clips, options: ProbeOptions, seed: int) -> Mapping[str, str]:
    """Choose layer and cost by what selects on dev, and write the probe into the head; it is an ``Architecture.fit``.

    Values have ridge regression, labels what the options say. Every clip is computed once, for all layers. Of equally
    good ones the lowest layer is taken, then the smallest C.

    Returns:
        Which were chosen.

    Raises:
        TrainingError: All training clips have one target, or features are not finite.
    """
    check_labels(train.targets)
    network: Any = classifier.eval().network
    compute = Pass(network.rows, network.kept_rows)
    rows, dev_rows = (compute_rows(clips, compute, options.batch_size) for clips in (train, dev))
    kind = options.probe if train.kind == "label" else "ridge"
    found = choose_linear_model(rows, dev_rows, len(train.labels), options, seed, kind=kind)
    if not network.concatenates:
        network.choose(network.candidates[found.place])
    network.mean.copy_(found.mean)
    network.scale.copy_(found.scale)
    head: Any = classifier.heads.active
    head.set(found.weight, found.bias)
    layer = "all" if network.concatenates else str(int(network.chosen))
    return {"layer": layer, **found.notes}
