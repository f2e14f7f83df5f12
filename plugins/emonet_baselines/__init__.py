"""Baselines beside the networks, so that every table has its floor: ``chance``, and four on functionals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emonet_baselines.options import (
    ChanceOptions,
    FunctionalsOptions,
    KnnOptions,
    LogisticOptions,
    RidgeOptions,
    SvmOptions,
)
from emonet_bench import hookimpl
from emonet_bench.types import Architecture, InputSpec, TargetKind

if TYPE_CHECKING:
    from emonet_baselines.chance import ChanceNetwork
    from emonet_baselines.nearest import KnnNetwork
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


def build_svm(options: FunctionalsOptions, input_spec: InputSpec) -> SvmNetwork:
    """Build the functionals, not yet standardised."""
    from emonet_baselines.svm import SvmNetwork

    return SvmNetwork(options, input_spec)


def fit_svm(*arguments: Any) -> Mapping[str, str]:
    """See ``emonet_bench.training.linear_models.fit_linear_model``; tells which C was chosen."""
    from emonet_bench.training.linear_models import fit_linear_model

    return fit_linear_model(*arguments).notes


def fit_logistic(*arguments: Any) -> Mapping[str, str]:
    """See ``emonet_bench.training.linear_models.fit_linear_model``; tells which C was chosen."""
    from emonet_bench.training.linear_models import fit_linear_model

    return fit_linear_model(*arguments, kind="logistic").notes


def fit_ridge(*arguments: Any) -> Mapping[str, str]:
    """See ``emonet_bench.training.linear_models.fit_linear_model``; tells which C was chosen."""
    from emonet_bench.training.linear_models import fit_linear_model

    return fit_linear_model(*arguments, kind="ridge").notes


def build_knn(options: KnnOptions, input_spec: InputSpec) -> KnnNetwork:
    """Build the functionals, not yet standardised, with a head of nearest neighbours."""
    from emonet_baselines.nearest import KnnNetwork

    return KnnNetwork(options, input_spec)


def fit_knn(*arguments: Any) -> None:
    """See ``emonet_bench.training.nearest_neighbours.fit_nearest_neighbours``."""
    from emonet_bench.training.nearest_neighbours import fit_nearest_neighbours

    fit_nearest_neighbours(*arguments)


@hookimpl
def emonet_architectures() -> Sequence[Architecture]:
    """Offer ``chance``, ``knn``, ``logistic``, ``ridge`` and ``svm``."""
    kinds: tuple[TargetKind, ...] = ("label", "votes", "label-set", "values")
    return [
        Architecture("chance", "baseline", ChanceOptions, build_chance, fit_chance, kinds=kinds),
        Architecture("knn", "baseline", KnnOptions, build_knn, fit_knn),
        Architecture("logistic", "baseline", LogisticOptions, build_svm, fit_logistic),
        Architecture("ridge", "baseline", RidgeOptions, build_svm, fit_ridge, kinds=("values",)),
        Architecture("svm", "baseline", SvmOptions, build_svm, fit_svm),
    ]
