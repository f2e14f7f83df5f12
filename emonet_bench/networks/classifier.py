"""The classifier: an architecture's network with a head for each corpus."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from torch import Tensor, nn

from emonet_bench.errors import ConfigError
from emonet_bench.networks.heads import Head
from emonet_bench.networks.outputs import INDEPENDENT
from emonet_bench.networks.per_corpus import PerCorpus
from emonet_bench.types import FrozenFeatures, Network, ParameterGroup, TrainingSet


class Classifier(nn.Module):
    """An architecture's network with a head for each corpus.

    Attributes:
        network: What the architecture built.
        heads: One head for each corpus.
    """

    def __init__(self, network: Network, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.network = network
        self.heads = PerCorpus(heads)

    def select(self, corpus: str) -> None:
        """Make one corpus's branches active throughout."""
        for module in self.modules():
            if isinstance(module, PerCorpus):
                module.select(corpus)

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map waveforms (N, S) and valid lengths (N,) to the active corpus's logits (N, classes)."""
        logits: Tensor = self.heads(self.network.embed(waveform, lengths))
        return logits

    def forward_frozen(self, features: FrozenFeatures) -> Tensor:
        """Map what the network's frozen part gave to the active corpus's logits (N, classes)."""
        logits: Tensor = self.heads(self.embed_frozen(features))
        return logits

    def embed_frozen(self, features: FrozenFeatures) -> Tensor:
        """Map what the frozen part gave to embeddings (N, D); where all of the network is frozen, it gave those."""
        own: Callable[[FrozenFeatures], Tensor] | None = getattr(self.network, "embed_frozen", None)
        return features.values if own is None else own(features)


def build_classifier(network: Network, corpora: Iterable[TrainingSet]) -> Classifier:
    """Give a network a new head for each corpus: its own kind (``make_head``) or EmoNet's.

    Raises:
        ConfigError: A corpus has label sets or values, and the network's own heads are for labels only.
    """
    return Classifier(network, {corpus.corpus: build_head(network, corpus) for corpus in corpora})


def build_head(network: Network, corpus: TrainingSet) -> nn.Module:
    """Make a new head for a corpus: the network's own kind (``make_head``) or EmoNet's.

    Raises:
        ConfigError: As ``build_classifier`` does.
    """
    make: Callable[..., nn.Module] = getattr(network, "make_head", None) or partial(Head, network.dim)
    if corpus.kind not in INDEPENDENT:
        return make(len(corpus.labels))
    if "independent" not in inspect.signature(make).parameters:
        raise ConfigError(
            f"corpus {corpus.corpus}: its target is of the kind {corpus.kind!r}, and the heads of "
            f"{type(network).__name__} are for labels only; choose another architecture"
        )
    return make(len(corpus.labels), independent=True)


def parameter_groups(parameters: Iterable[nn.Parameter], weight_decay: float | None = None) -> list[ParameterGroup]:
    """Group parameters so that kernels alone decay: shrinking biases and scales towards zero regularises nothing."""
    given = list(parameters)
    kernels = [parameter for parameter in given if parameter.dim() > 1]
    others = [parameter for parameter in given if parameter.dim() <= 1]
    return [ParameterGroup(kernels, weight_decay), ParameterGroup(others, 0.0)]
