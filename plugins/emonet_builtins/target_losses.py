"""Losses for votes, label sets and values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from emonet_bench.config import Options, option
from emonet_bench.errors import ConfigError
from emonet_bench.types import Loss, TargetSummary

CCC = r"""@article{lin1989concordance,
  title = {A Concordance Correlation Coefficient to Evaluate Reproducibility},
  author = {Lin, Lawrence I-Kuei},
  journal = {Biometrics},
  volume = {45},
  number = {1},
  pages = {255--268},
  year = {1989}
}"""
HUBER = r"""@article{huber1964robust,
  title = {Robust Estimation of a Location Parameter},
  author = {Huber, Peter J.},
  journal = {The Annals of Mathematical Statistics},
  volume = {35},
  number = {1},
  pages = {73--101},
  year = {1964}
}"""


class ValueOptions(Options):
    """Options of losses of values."""

    later = ("weights",)

    weights: dict[str, Annotated[float, Field(ge=0)]] = option(
        {}, "What attributes weigh in the mean, such as `{ arousal = 2 }`; those that are not named weigh 1."
    )

    def attributes(self, names: Sequence[str]) -> Any:
        """Return what attributes weigh (K,), in their order; None where all weigh the same."""
        import torch  # noqa: PLC0415 - slow

        return torch.tensor([self.weights.get(name, 1.0) for name in names]) if self.weights else None


def check_weights(loss: str, options: ValueOptions, names: Sequence[str]) -> None:
    """Hold the weights of a loss of values to the attributes of a target.

    Raises:
        ConfigError: One is of none of them, or nothing weighs anything.
    """
    for name in options.weights:
        if name not in names:
            known = ", ".join(names)
            raise ConfigError(f"loss.{loss}.weights: there is no attribute {name!r}; known: {known}")
    if not any(options.weights.get(name, 1.0) for name in names):
        raise ConfigError(f"loss.{loss}.weights: all attributes weigh nothing; let one weigh something")


class HuberOptions(ValueOptions):
    """Options of the Huber loss."""

    delta: float = option(0.25, "Where it turns from squared to linear, in halves of the scale.", gt=0)


def build_kl(_: Options, __: TargetSummary) -> Any:
    """Build the Kullback-Leibler divergence from the shares of the votes."""
    from emonet_builtins.target_loss_functions import kl_divergence  # noqa: PLC0415 - torch

    return kl_divergence


def build_bce(_: Options, __: TargetSummary) -> Any:
    """Build the binary cross-entropy of each label."""
    from emonet_builtins.target_loss_functions import binary_crossentropy  # noqa: PLC0415 - torch

    return binary_crossentropy


def build_ccc(options: ValueOptions, summary: TargetSummary) -> Any:
    """Build 1 minus the concordance correlation of a batch, the mean over attributes."""
    from emonet_builtins.target_loss_functions import concordance  # noqa: PLC0415 - torch

    return partial(concordance, attributes=options.attributes(summary.names))


def build_mse(options: ValueOptions, summary: TargetSummary) -> Any:
    """Build the mean squared error, in halves of the scale."""
    from emonet_builtins.target_loss_functions import squared_error  # noqa: PLC0415 - torch

    return partial(squared_error, attributes=options.attributes(summary.names))


def build_huber(options: HuberOptions, summary: TargetSummary) -> Any:
    """Build the Huber loss."""
    from emonet_builtins.target_loss_functions import huber  # noqa: PLC0415 - torch

    return partial(huber, attributes=options.attributes(summary.names), delta=options.delta)


TARGET_LOSSES = (
    Loss("kl", Options, build_kl, ("votes",)),
    Loss("bce", Options, build_bce, ("label-set",)),
    Loss("ccc", ValueOptions, build_ccc, ("values",), citation=CCC, check=partial(check_weights, "ccc")),
    Loss("mse", ValueOptions, build_mse, ("values",), check=partial(check_weights, "mse")),
    Loss("huber", HuberOptions, build_huber, ("values",), citation=HUBER, check=partial(check_weights, "huber")),
)
