"""Self-supervised backbones as architectures, and parameter-efficient fine-tuning of them as strategies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emonet_bench import hookimpl
from emonet_bench.types import Architecture, InputSpec, Plan, Strategy, TargetKind
from emonet_ssl import families
from emonet_ssl.citations import BOTTLENECK, DATA2VEC, HUBERT, LORA, WAV2VEC2, WAVLM, WHISPER
from emonet_ssl.options import ProbeOptions, SslOptions
from emonet_ssl.strategy_options import BottleneckOptions, LoraOptions

if TYPE_CHECKING:
    from emonet_ssl.network import SslNetwork
    from emonet_ssl.probes import ProbeNetwork

# ruff: noqa: PLC0415 - torch, transformers and peft are imported when they are needed

_FAMILIES = (
    (families.AutoOptions, families.AutoProbeOptions, ""),
    (families.Data2VecOptions, families.Data2VecProbeOptions, DATA2VEC),
    (families.HubertOptions, families.HubertProbeOptions, HUBERT),
    (families.Wav2Vec2Options, families.Wav2Vec2ProbeOptions, WAV2VEC2),
    (families.WavlmOptions, families.WavlmProbeOptions, WAVLM),
    (families.WhisperOptions, families.WhisperProbeOptions, WHISPER),
)


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer every family twice: with a head that is trained, and with a probe that is fitted."""
    trained = [Architecture(own.architecture, "ssl", own, build, citation=cited) for own, _, cited in _FAMILIES]
    kinds: tuple[TargetKind, ...] = ("label", "values")
    fitted = [
        Architecture(own.architecture, "ssl", own, build_probe, fit_probe, cited, kinds=kinds)
        for _, own, cited in _FAMILIES
    ]
    return [*trained, *fitted]


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


def build_probe(options: ProbeOptions, input_spec: InputSpec) -> ProbeNetwork:
    """Build a backbone whose layer is not chosen yet."""
    from emonet_ssl.probes import ProbeNetwork

    return ProbeNetwork(options, input_spec)


def fit_probe(*arguments: Any) -> Mapping[str, str]:
    """See ``emonet_ssl.probes.fit``."""
    from emonet_ssl.probes import fit

    return fit(*arguments)


def _prepare(name: str) -> Callable[..., Plan]:
    def prepare(*arguments: Any) -> Plan:
        from emonet_ssl import strategies

        plan: Plan = getattr(strategies, name)(*arguments)
        return plan

    return prepare
