"""Baselines in the same matrix as the networks: ``chance`` and ``svm``, so that every table has its floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emonet_baselines.options import ChanceOptions, SvmOptions
from emonet_bench import hookimpl
from emonet_bench.types import Architecture, InputSpec

if TYPE_CHECKING:
    from emonet_baselines.chance import ChanceNetwork
    from emonet_baselines.svm import SvmNetwork

# ruff: noqa: PLC0415 - torch and scikit-learn are imported when they are needed


def build_chance(options: ChanceOptions, input_spec: InputSpec) -> ChanceNetwork:  # noqa: ARG001 - the contract
    """Build the network that hears nothing."""
    from emonet_baselines.chance import ChanceNetwork

    return ChanceNetwork()


def fit_chance(*arguments: Any) -> None:
    """See ``emonet_baselines.chance.fit``."""
    from emonet_baselines.chance import fit

    fit(*arguments)


def build_svm(options: SvmOptions, input_spec: InputSpec) -> SvmNetwork:
    """Build the functionals, not yet standardised."""
    from emonet_baselines.svm import SvmNetwork

    return SvmNetwork(options, input_spec)


def fit_svm(*arguments: Any) -> None:
    """See ``emonet_bench.training.svm.fit_svm``."""
    from emonet_bench.training.svm import fit_svm as fit

    fit(*arguments)


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``chance`` and ``svm``."""
    return [
        Architecture("chance", "baseline", ChanceOptions, build_chance, fit_chance),
        Architecture("svm", "baseline", SvmOptions, build_svm, fit_svm),
    ]
