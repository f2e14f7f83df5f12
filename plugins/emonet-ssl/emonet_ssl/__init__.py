"""Self-supervised backbones as architectures, and parameter-efficient fine-tuning of them as strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from emonet_bench import hookimpl
from emonet_bench.types import Architecture, InputSpec, Plan, Strategy
from emonet_ssl.citations import BOTTLENECK, HUBERT, LORA, WAV2VEC2, WAVLM, WHISPER
from emonet_ssl.options import (
    BottleneckOptions,
    HubertOptions,
    LoraOptions,
    SslOptions,
    Wav2Vec2Options,
    WavlmOptions,
    WhisperOptions,
)

if TYPE_CHECKING:
    from emonet_ssl.network import SslNetwork

# ruff: noqa: PLC0415 - torch, transformers and peft are imported when they are needed


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``wav2vec2``, ``hubert``, ``wavlm`` and ``whisper``."""
    return [
        Architecture("hubert", "ssl", HubertOptions, build, citation=HUBERT),
        Architecture("wav2vec2", "ssl", Wav2Vec2Options, build, citation=WAV2VEC2),
        Architecture("wavlm", "ssl", WavlmOptions, build, citation=WAVLM),
        Architecture("whisper", "ssl", WhisperOptions, build, citation=WHISPER),
    ]


@hookimpl
def emonet_strategies() -> Sequence[Strategy]:
    """Offer ``lora`` and ``bottleneck``; both start from the backbone's checkpoint, so they need no source."""
    return [
        Strategy("bottleneck", BottleneckOptions, _prepare("bottleneck"), citation=BOTTLENECK),
        Strategy("lora", LoraOptions, _prepare("lora"), citation=LORA),
    ]


def build(options: SslOptions, input_spec: InputSpec) -> SslNetwork:
    """Build a backbone with the weights of its checkpoint."""
    from emonet_ssl.network import SslNetwork

    return SslNetwork(options, input_spec)


def _prepare(name: str) -> Callable[..., Plan]:
    def prepare(*arguments: Any) -> Plan:
        from emonet_ssl import strategies

        plan: Plan = getattr(strategies, name)(*arguments)
        return plan

    return prepare
