"""The frozen part of a network: its own where it splits itself; all of it where nothing in it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from emonet_bench.features.identity import identify
from emonet_bench.networks import PerCorpus
from emonet_bench.types import FrozenFeatures


def frozen_id(network: Any, built: Mapping[str, Any] | None) -> str | None:
    """Identify the frozen part of a network as its parameters stand, see ``types.network.Freezable``.

    A network that does not split itself is frozen as a whole where none of its parameters ``requires_grad``.

    Args:
        network: The network.
        built: What a whole network follows from beside its weights: its architecture with code and options, and what it
            hears. None: only a network that splits itself has a frozen part.

    Returns:
        None where something within is trained, or parts of it are a single corpus's.
    """
    if hasattr(network, "frozen_id"):
        own: str | None = network.frozen_id()
        return own
    if built is None or any(parameter.requires_grad for parameter in network.parameters()):
        return None
    if any(isinstance(module, PerCorpus) for module in network.modules()):
        return None
    return identify(built, network.state_dict())


def frozen(network: Any, waveform: Tensor, lengths: Tensor | None) -> FrozenFeatures:
    """Compute what no training changes; of a network that is frozen as a whole the embedding (N, D)."""
    if hasattr(network, "frozen"):
        found: FrozenFeatures = network.frozen(waveform, lengths)
        return found
    return FrozenFeatures(network.embed(waveform, lengths))
