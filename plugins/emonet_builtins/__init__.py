"""Losses, metrics, optimisers, augmentations, report formats and executors that come with emonet-bench."""

from __future__ import annotations

from collections.abc import Sequence

from emonet_bench import hookimpl
from emonet_bench.types import Loss, Optimizer
from emonet_builtins.losses import LOSSES
from emonet_builtins.optimizers import OPTIMIZERS


@hookimpl
def emonet_losses() -> Sequence[Loss]:
    """Register cross-entropy, the focal and the ordinal loss."""
    return LOSSES


@hookimpl
def emonet_optimizers() -> Sequence[Optimizer]:
    """Register optimisers of torch."""
    return OPTIMIZERS
