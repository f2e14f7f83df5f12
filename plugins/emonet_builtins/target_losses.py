"""Losses for votes, label sets and values."""

from __future__ import annotations

from functools import partial
from typing import Any

from emonet_bench.config import Options, option
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


class HuberOptions(Options):
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


def build_ccc(_: Options, __: TargetSummary) -> Any:
    """Build 1 minus the concordance correlation of a batch, the mean over attributes."""
    from emonet_builtins.target_loss_functions import concordance  # noqa: PLC0415 - torch

    return concordance


def build_mse(_: Options, __: TargetSummary) -> Any:
    """Build the mean squared error, in halves of the scale."""
    from emonet_builtins.target_loss_functions import squared_error  # noqa: PLC0415 - torch

    return squared_error


def build_huber(options: HuberOptions, _: TargetSummary) -> Any:
    """Build the Huber loss."""
    from emonet_builtins.target_loss_functions import huber  # noqa: PLC0415 - torch

    return partial(huber, delta=options.delta)


TARGET_LOSSES = (
    Loss("kl", Options, build_kl, ("votes",)),
    Loss("bce", Options, build_bce, ("label-set",)),
    Loss("ccc", Options, build_ccc, ("values",), citation=CCC),
    Loss("mse", Options, build_mse, ("values",)),
    Loss("huber", HuberOptions, build_huber, ("values",), citation=HUBER),
)
