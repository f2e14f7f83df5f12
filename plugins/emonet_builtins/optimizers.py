"""Optimisers of torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from emonet_bench.config import Options, option
from emonet_bench.types import Optimizer

Groups = Sequence[dict[str, Any]]
Share = Annotated[float, Field(ge=0, lt=1)]


class SgdOptions(Options):
    """Options of stochastic gradient descent."""

    momentum: float = option(0.9, "Momentum.", ge=0, lt=1)


class RmspropOptions(Options):
    """Options of RMSprop."""

    alpha: float = option(0.99, "How slowly the mean of squared gradients forgets.", ge=0, lt=1)
    momentum: float = option(0.0, "Momentum.", ge=0, lt=1)


class AdamOptions(Options):
    """Options of Adam and AdamW."""

    betas: tuple[Share, Share] = option((0.9, 0.999), "How slowly the means of gradients and their squares forget.")
    eps: float = option(1e-8, "Added to the root of the mean square.", gt=0)


class AdadeltaOptions(Options):
    """Options of Adadelta."""

    rho: float = option(0.9, "How slowly the means of squares forget.", ge=0, lt=1)


def sgd(options: SgdOptions, groups: Groups, rate: float) -> Any:
    """Build stochastic gradient descent."""
    import torch  # noqa: PLC0415 - slow

    return torch.optim.SGD(list(groups), rate, momentum=options.momentum)


def rmsprop(options: RmspropOptions, groups: Groups, rate: float) -> Any:
    """Build RMSprop."""
    import torch  # noqa: PLC0415 - slow

    return torch.optim.RMSprop(list(groups), rate, alpha=options.alpha, momentum=options.momentum)


def adam(options: AdamOptions, groups: Groups, rate: float) -> Any:
    """Build Adam."""
    import torch  # noqa: PLC0415 - slow

    return torch.optim.Adam(list(groups), rate, betas=options.betas, eps=options.eps)


def adamw(options: AdamOptions, groups: Groups, rate: float) -> Any:
    """Build AdamW, Adam with weight decay apart from the gradient."""
    import torch  # noqa: PLC0415 - slow

    return torch.optim.AdamW(list(groups), rate, betas=options.betas, eps=options.eps)


def adadelta(options: AdadeltaOptions, groups: Groups, rate: float) -> Any:
    """Build Adadelta."""
    import torch  # noqa: PLC0415 - slow

    return torch.optim.Adadelta(list(groups), rate, rho=options.rho)


OPTIMIZERS = (
    Optimizer("sgd", SgdOptions, sgd),
    Optimizer("rmsprop", RmspropOptions, rmsprop),
    Optimizer("adam", AdamOptions, adam),
    Optimizer("adadelta", AdadeltaOptions, adadelta),
    Optimizer("adamw", AdamOptions, adamw),
)
