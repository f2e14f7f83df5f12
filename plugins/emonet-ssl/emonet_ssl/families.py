"""The options of each family: which models it takes, and with which checkpoint it begins."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from emonet_bench.config import option
from emonet_bench.errors import ConfigError
from emonet_ssl.options import CheckpointOptions, ProbeOptions, SslOptions, checkpoint_option

SECONDS_PER_POSITION = 0.02
"""Of Whisper's encoder."""


class Wav2Vec2Checkpoint(CheckpointOptions):
    """Checkpoints of ``wav2vec2``."""

    families = ("wav2vec2",)
    checkpoint: str = checkpoint_option("facebook/wav2vec2-base")


class HubertCheckpoint(CheckpointOptions):
    """Checkpoints of ``hubert``."""

    families = ("hubert",)
    checkpoint: str = checkpoint_option("facebook/hubert-base-ls960")


class WavlmCheckpoint(CheckpointOptions):
    """Checkpoints of ``wavlm``."""

    families = ("wavlm",)
    checkpoint: str = checkpoint_option("microsoft/wavlm-base-plus")


class Data2VecCheckpoint(CheckpointOptions):
    """Checkpoints of ``data2vec-audio``."""

    families = ("data2vec-audio",)
    checkpoint: str = checkpoint_option("facebook/data2vec-audio-base")


class AutoCheckpoint(CheckpointOptions):
    """Checkpoints of ``automodel``."""

    families = ()
    checkpoint: str = checkpoint_option("facebook/w2v-bert-2.0")


class WhisperCheckpoint(CheckpointOptions):
    """Checkpoints of ``whisper``."""

    families = ("whisper",)
    checkpoint: str = checkpoint_option("openai/whisper-base")
    context: Literal["clip", "full"] | float = option(
        "clip",
        "What the encoder is given: the clip and a second of silence, so many seconds, or the 30 s of its training; "
        "of a longer clip, the beginning.",
    )

    @model_validator(mode="after")
    def _context_has_positions(self) -> Self:
        longest = SECONDS_PER_POSITION * self.config.get("max_source_positions", 1500)
        if isinstance(self.context, float) and not SECONDS_PER_POSITION <= self.context <= longest:
            raise ConfigError(
                f"options.{self.architecture}.context: {self.context:g} s is out of range; {self.checkpoint} takes "
                f"{SECONDS_PER_POSITION:g} to {longest:g} s, 'clip' or 'full'"
            )
        return self


class Wav2Vec2Options(Wav2Vec2Checkpoint, SslOptions):
    """Options of ``wav2vec2``."""

    architecture = "wav2vec2"


class HubertOptions(HubertCheckpoint, SslOptions):
    """Options of ``hubert``."""

    architecture = "hubert"


class WavlmOptions(WavlmCheckpoint, SslOptions):
    """Options of ``wavlm``."""

    architecture = "wavlm"


class Data2VecOptions(Data2VecCheckpoint, SslOptions):
    """Options of ``data2vec-audio``."""

    architecture = "data2vec-audio"


class WhisperOptions(WhisperCheckpoint, SslOptions):
    """Options of ``whisper``."""

    architecture = "whisper"


class AutoOptions(AutoCheckpoint, SslOptions):
    """Options of ``automodel``."""

    architecture = "automodel"


class Wav2Vec2ProbeOptions(Wav2Vec2Checkpoint, ProbeOptions):
    """Options of ``wav2vec2-probe``."""

    architecture = "wav2vec2-probe"


class HubertProbeOptions(HubertCheckpoint, ProbeOptions):
    """Options of ``hubert-probe``."""

    architecture = "hubert-probe"


class WavlmProbeOptions(WavlmCheckpoint, ProbeOptions):
    """Options of ``wavlm-probe``."""

    architecture = "wavlm-probe"


class Data2VecProbeOptions(Data2VecCheckpoint, ProbeOptions):
    """Options of ``data2vec-audio-probe``."""

    architecture = "data2vec-audio-probe"


class WhisperProbeOptions(WhisperCheckpoint, ProbeOptions):
    """Options of ``whisper-probe``."""

    architecture = "whisper-probe"


class AutoProbeOptions(AutoCheckpoint, ProbeOptions):
    """Options of ``automodel-probe``."""

    architecture = "automodel-probe"
