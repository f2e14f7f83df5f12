"""Options of the strategies; neither torch nor peft is imported here."""

from __future__ import annotations

from typing import Literal

from emonet_bench.config import Options, option


class UpperOptions(Options):
    """Where a strategy adds weights."""

    upper_layers: int | None = option(
        None,
        "In how many of the layers used, the highest; none: in all. What is below can be computed once for each clip.",
        ge=1,
    )


class LoraOptions(UpperOptions):
    """Options of ``lora``."""

    rank: int = option(8, "Inner size of the products that are added to the weights.", ge=1)
    alpha: float = option(16.0, "Their scale is this, divided by the rank.", gt=0)
    dropout: float = option(0.05, "Share of their inputs that is dropped in training.", ge=0, lt=1)
    layers: Literal["feed-forward", "attention"] = option(
        "feed-forward", "Which layers get them: both of the feed-forward part, or queries and values of the attention."
    )


class BottleneckOptions(UpperOptions):
    """Options of ``bottleneck``."""

    width: int = option(32, "Features of the bottleneck.", ge=1)
