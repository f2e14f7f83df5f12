"""A frozen backbone, a few new weights inside it, and a new head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.errors import Skipped
from emonet_bench.networks import PerCorpus, build_classifier, parameter_groups
from emonet_bench.types import Plan, TrainingSet
from emonet_ssl.network import SslNetwork
from emonet_ssl.strategy_options import BottleneckOptions, LoraOptions, UpperOptions

_TARGETS = {
    "attention": ("q_proj", "v_proj"),
    "feed-forward": ("intermediate_dense", "output_dense", "fc1", "fc2"),  # fc1 and fc2: Whisper's
}


def lora(network: Any, corpora: Sequence[TrainingSet], source: Any, options: LoraOptions) -> Plan:  # noqa: ARG001 - the contract
    """Freeze the backbone and train products of small matrices that are added to its weights (Hu et al., 2022).

    Raises:
        Skipped: The network is no backbone, has too few layers, or reads its weights past what is added to them.
    """
    from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 - seconds of import

    first = _freeze("lora", network, options)
    if getattr(network.backbone, "family", None) == "wavlm" and options.layers == "attention":
        raise Skipped("WavLM's attention reads its weights past LoRA; set options.lora.layers to 'feed-forward'")
    config: Any = LoraConfig
    added = config(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=_TARGETS[options.layers],
    )
    for layer in network.backbone.layers[first:]:
        inject_adapter_in_model(added, layer)
    return _plan(network, corpora)


def bottleneck(network: Any, corpora: Sequence[TrainingSet], source: Any, options: BottleneckOptions) -> Plan:  # noqa: ARG001
    """Freeze the backbone and train a residual bottleneck behind each of its layers (Houlsby et al., 2019).

    Raises:
        Skipped: The network is no backbone, or has too few layers.
    """
    first = _freeze("bottleneck", network, options)
    names = [set_.corpus for set_ in corpora]
    width = network.backbone.width
    for layer in network.backbone.layers[first:]:
        layer.adapter = PerCorpus({name: Bottleneck(width, options.width) for name in names})
    return _plan(network, corpora)


class Bottleneck(nn.Module):
    """Down, GELU, up, added to what it was given. It starts as a no-op."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, width)
        self.up = nn.Linear(width, dim)
        nn.init.normal_(self.down.weight, std=1 / math.sqrt(dim))
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, sequence: Tensor) -> Tensor:
        """Map (N, T, dim) to (N, T, dim)."""
        adapted: Tensor = sequence + self.up(F.gelu(self.down(sequence)))
        return adapted


def _freeze(strategy: str, network: Any, options: UpperOptions) -> int:
    """Freeze a backbone and return the lowest of its layers that gets new weights."""
    if not isinstance(network, SslNetwork) or network.backbone.whole:
        raise Skipped(f"{strategy} adapts pre-trained backbones: data2vec-audio, hubert, wav2vec2, wavlm and whisper")
    layers = len(network.backbone.layers)
    if not 0 < (options.upper_layers or 1) <= layers:
        raise Skipped(f"{strategy} wants the upper {options.upper_layers or 1} of the layers used, which are {layers}")
    network.backbone.requires_grad_(requires_grad=False)
    return layers - (options.upper_layers or layers)


def _plan(network: SslNetwork, corpora: Sequence[TrainingSet]) -> Plan:
    """Train what was added to the backbone, what mixes and pools its states, and the heads."""
    whole = build_classifier(network, corpora)
    return Plan(whole, parameter_groups(parameter for parameter in whole.parameters() if parameter.requires_grad))
