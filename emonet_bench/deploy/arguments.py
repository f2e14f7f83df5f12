"""Arguments of a predictor, held to what they may be."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

from emonet_bench.audio.decoding import HIGHEST_RATE, LOWEST_RATE
from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from emonet_bench.deploy.stretches import Cut


class Request(NamedTuple):
    """How clips are to be scored.

    Attributes:
        cut: Stretches that are scored each for itself; None: whole clips.
        size: Stretches in a call.
        embeddings: Whether embeddings are asked for.
        logits: Whether logits are.
    """

    cut: Cut | None
    size: int
    embeddings: bool
    logits: bool

    @property
    def outputs(self) -> list[str]:
        """What is asked for beside probabilities."""
        return ["embedding"] * self.embeddings + ["logits"] * self.logits


def check_rate(value: int | None) -> None:
    """Hold a sampling rate to what audio has; None passes."""
    check_count("sampling_rate", value)
    if value is not None and not LOWEST_RATE <= value <= HIGHEST_RATE:
        raise ConfigError(f"sampling_rate: must lie in {LOWEST_RATE} to {HIGHEST_RATE}, is {value}")


def check_axis(channels: int | None) -> None:
    """Hold the axis of an array's channels to its two; None passes."""
    if channels not in (None, 0, 1):
        raise ConfigError(f"channels: is the axis that holds them, 0 or 1, not {channels!r}")


def check_count(name: str, value: int | None) -> None:
    """Hold a count to be positive and whole; None passes."""
    if value is None:
        return
    if not isinstance(value, Real) or value % 1:
        raise ConfigError(f"{name}: must be a whole number, is {value!r}")
    if value < 1:
        raise ConfigError(f"{name}: must be at least 1, is {value}")
