"""The bench: an architecture built, fitted or stirred, and something to hear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from emonet_bench import networks
from emonet_bench.networks.validation import check_network
from emonet_bench.testing.parts import stir
from emonet_bench.testing.signals import LABELS, clips_of, noise, samples
from emonet_bench.types import Architecture, InputSpec, TargetKind, TrainingSet

CORPUS = "kit"

_BATCHES = ((0.0,), (0.03, 0.0), (1.1, 0.31, 0.0, 0.7))  # seconds of each clip; 0 stands for a single sample


@dataclass(frozen=True)
class Bench:
    """An architecture on the bench, with the options and the input spec it is built with."""

    architecture: Architecture
    options: Any
    input_spec: InputSpec

    @property
    def kinds(self) -> tuple[TargetKind, ...]:
        """The kinds of targets that the architecture takes; most checks try the first of them."""
        return tuple(kind for kind in get_args(TargetKind) if self.architecture.takes(kind))

    def classifier(
        self, seed: int = 0, labels: tuple[str, ...] = LABELS, kind: TargetKind | None = None
    ) -> networks.Classifier:
        """Build the network and a head for a kind of target; fit them where the architecture says how."""
        torch.manual_seed(seed)
        kind = kind or self.kinds[0]
        network = self.architecture.build(self.options, self.input_spec)
        check_network(network, self.architecture.name)
        made = networks.build_classifier(network, [TrainingSet(CORPUS, labels, 18, kind)])
        if self.architecture.fit is not None and labels == LABELS:
            train, dev = (clips_of(kind, self.input_spec, place) for place in (0, 1))
            self.architecture.fit(made, train, dev, self.options, seed)
        return made.eval()

    def stirred(self) -> networks.Classifier:
        """Build a classifier with no weight or statistic at zero or one, where a fault could hide."""
        made = self.classifier()
        if self.architecture.fit is None:
            torch.manual_seed(1)
            stir(made)
        return made

    def hear(self, lengths: list[int], *, padding: int = 0) -> tuple[Tensor, Tensor]:
        """Make clips as evaluation hands them over: cut to the input spec's window where it has one."""
        return networks.centre_crop(*noise(lengths, padding=padding), self.input_spec)

    @property
    def clips(self) -> list[int]:
        """Lengths of three clips."""
        return samples((1.1, 0.31, 0.7), self.input_spec)

    def batches(self) -> Iterator[list[int]]:
        """Yield the lengths of a few batches, from one sample up."""
        for seconds in _BATCHES:
            yield samples(seconds, self.input_spec)

    def full(self) -> tuple[Tensor, None]:
        """Make two clips that fill their rows, as training crops do."""
        size = self.input_spec.window or self.input_spec.sampling_rate
        return torch.cat([noise([size])[0], noise([size + 1])[0][:, 1:]]), None
