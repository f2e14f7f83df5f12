"""Options that several commands of ``emonet-predict`` have."""

from __future__ import annotations

from typing import Any, get_args

import click

from emonet_bench.deploy.providers import Providers

SILERO = "silero"
"""The gate that the Silero VAD is."""


class Gate(click.ParamType[float | str]):
    """Decibels, or the name of a gate."""

    name = "gate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        """Read a gate."""
        if value == SILERO:
            return SILERO
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither decibels, such as -50, nor {SILERO}", param, ctx)


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
