"""Options that several commands of ``emonet-predict`` have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, get_args

import click

from emonet_bench.deploy.providers import Providers

if TYPE_CHECKING:
    _Parameter = click.ParamType[float | str]
else:
    _Parameter = click.ParamType  # older ones, which we take, are not generic

SILERO = "silero"
"""The gate that the Silero VAD is."""


class Gate(_Parameter):
    """Decibels, or the name of a gate."""

    name = "gate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """Read a gate; no sound is louder than 0 dB."""
        if value == SILERO:
            return SILERO
        try:
            decibels = float(value)
        except ValueError:
            decibels = math.nan
        if not -math.inf < decibels <= 0:
            self.fail(f"{value!r} is neither decibels up to 0, such as -50, nor {SILERO}", param, ctx)
        return decibels


jobs = click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Files, or stretches of audio, at once [default: the number of cores].",
)

providers = click.option(
    "--providers",
    type=click.Choice(get_args(Providers)),
    default="auto",
    show_default=True,
    help="Where to compute; auto: on a GPU where onnxruntime can.",
)

abstain = click.option(
    "--abstain", is_flag=True, help="Say 'uncertain' below the probability that a model names for that."
)
