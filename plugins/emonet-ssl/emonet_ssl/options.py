"""Options of the backbones and of the strategies; torch and transformers are not imported here."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ValidationInfo, field_validator

from emonet_bench.config import Options, option
from emonet_ssl.checkpoint import identify

_CHECKPOINT = "Directory that save_pretrained wrote, or a name on the Hugging Face hub."


class SslOptions(Options):
    """Options of every backbone.

    Attributes:
        family: What the checkpoint's ``config.json`` calls it.
    """

    family: ClassVar[str]

    checkpoint: str = option("", _CHECKPOINT, min_length=1)
    weights: str | None = option(
        None,
        "Identity of the checkpoint: the SHA-256 of its files, or the hub's commit; none: that which is found. With "
        "another one the run is refused.",
        validate_default=True,
    )
    finetune: Literal["none", "transformer", "all"] = option(
        "none", "What of the backbone is trained: nothing, the transformer, or its convolutions over the signal, too."
    )
    pooling: Literal["mean", "statistics"] = option(
        "mean", "How the frames of a clip become one vector: their mean, or mean and standard deviation."
    )

    @field_validator("weights")
    @classmethod
    def _found(cls, weights: str | None, info: ValidationInfo) -> str | None:
        """Put the checkpoint's identity among the options, and so into the run's."""
        checkpoint = info.data.get("checkpoint")
        return weights if checkpoint is None else identify(checkpoint, cls.family, weights)


class Wav2Vec2Options(SslOptions):
    """Options of ``wav2vec2``."""

    family = "wav2vec2"
    checkpoint: str = option("facebook/wav2vec2-base", _CHECKPOINT, min_length=1)


class HubertOptions(SslOptions):
    """Options of ``hubert``."""

    family = "hubert"
    checkpoint: str = option("facebook/hubert-base-ls960", _CHECKPOINT, min_length=1)


class WavlmOptions(SslOptions):
    """Options of ``wavlm``."""

    family = "wavlm"
    checkpoint: str = option("microsoft/wavlm-base-plus", _CHECKPOINT, min_length=1)


class WhisperOptions(SslOptions):
    """Options of ``whisper``."""

    family = "whisper"
    checkpoint: str = option("openai/whisper-base", _CHECKPOINT, min_length=1)


class LoraOptions(Options):
    """Options of ``lora``."""

    rank: int = option(8, "Inner size of the products that are added to the weights.", ge=1)
    alpha: float = option(16.0, "Their scale is this, divided by the rank.", gt=0)
    dropout: float = option(0.05, "Share of their inputs that is dropped in training.", ge=0, lt=1)
    layers: Literal["feed-forward", "attention"] = option(
        "feed-forward", "Which layers get them: both of the feed-forward part, or queries and values of the attention."
    )


class BottleneckOptions(Options):
    """Options of ``bottleneck``."""

    width: int = option(32, "Features of the bottleneck.", ge=1)
