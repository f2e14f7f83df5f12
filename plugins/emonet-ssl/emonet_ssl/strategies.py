"""A frozen backbone, a few new weights inside it, and a new head."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.errors import Skipped
from emonet_bench.networks import build_classifier, install_per_corpus, parameter_groups
from emonet_bench.types import AdapterPoint, Plan, TrainingSet
from emonet_ssl.network import SslNetwork
from emonet_ssl.options import BottleneckOptions, LoraOptions

_TARGETS = {
    "attention": ("q_proj", "v_proj"),
    "feed-forward": ("intermediate_dense", "output_dense", "fc1", "fc2"),  # fc1 and fc2: Whisper's
}


def lora(network: Any, corpora: Sequence[TrainingSet], source: Any, options: LoraOptions) -> Plan:  # noqa: ARG001 - the contract
    """Freeze the backbone and train products of small matrices that are added to its weights (Hu et al., 2022).

    Raises:
        Skipped: The network is no backbone, or reads the weights past what is added to them.
    """
    from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 - seconds of import

    _hold_backbone("lora", network)
    if network.family == "wavlm" and options.layers == "attention":
        raise Skipped("WavLM's attention reads its weights past LoRA; set options.lora.layers to 'feed-forward'")
    network.backbone.requires_grad_(requires_grad=False)
    added = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=_TARGETS[options.layers],
    )
    for layer in network.backbone.layers:
        inject_adapter_in_model(added, layer)
    return _plan(network, corpora, [weight for weight in network.backbone.parameters() if weight.requires_grad])


def bottleneck(network: Any, corpora: Sequence[TrainingSet], source: Any, options: BottleneckOptions) -> Plan:  # noqa: ARG001
    """Freeze the backbone and train a residual bottleneck behind each of its layers (Houlsby et al., 2019).

    Raises:
        Skipped: The network is no backbone.
    """
    _hold_backbone("bottleneck", network)
    network.backbone.requires_grad_(requires_grad=False)

    def sequence(point: AdapterPoint, _: None) -> nn.Module:
        return Bottleneck(point.inputs, options.width)

    parts = install_per_corpus(network, [set_.corpus for set_ in corpora], {"sequence": sequence})
    return _plan(network, corpora, nn.ModuleList(parts).parameters())


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


def _hold_backbone(strategy: str, network: Any) -> None:
    if not isinstance(network, SslNetwork):
        raise Skipped(f"{strategy} adapts pre-trained backbones: hubert, wav2vec2, wavlm and whisper")


def _plan(network: SslNetwork, corpora: Sequence[TrainingSet], added: Iterable[nn.Parameter]) -> Plan:
    """Train what was added to the backbone, the weights of its layers, and the heads."""
    whole = build_classifier(network, corpora)
    return Plan(whole, parameter_groups([*added, *whole.heads.parameters(), network.layer_weights]))
