"""Losses, metrics, optimisers, augmentations, report formats and executors that come with emonet-bench."""

from __future__ import annotations

from collections.abc import Sequence

from emonet_bench import hookimpl
from emonet_bench.types import Augmentation, ExecutorKind, Loss, Metric, Optimizer, ReportFormat
from emonet_builtins.augmentations import AUGMENTATIONS
from emonet_builtins.executors import EXECUTORS
from emonet_builtins.losses import LOSSES
from emonet_builtins.metrics import METRICS
from emonet_builtins.optimizers import OPTIMIZERS
from emonet_builtins.reports import REPORT_FORMATS
from emonet_builtins.target_losses import TARGET_LOSSES


@hookimpl
def emonet_losses() -> Sequence[Loss]:
    """Register losses for labels (cross-entropy, focal, ordinal), votes, label sets and values."""
    return (*LOSSES, *TARGET_LOSSES)


@hookimpl
def emonet_optimizers() -> Sequence[Optimizer]:
    """Register optimisers of torch."""
    return OPTIMIZERS


@hookimpl
def emonet_metrics() -> Sequence[Metric]:
    """Register metrics of all kinds of targets."""
    return METRICS


@hookimpl
def emonet_executors() -> Sequence[ExecutorKind]:
    """Register worker processes."""
    return EXECUTORS


@hookimpl
def emonet_augmentations() -> Sequence[Augmentation]:
    """Register gain, noise, speed, masks and noise of the spectrogram, and mixup."""
    return AUGMENTATIONS


@hookimpl
def emonet_report_formats() -> Sequence[ReportFormat]:
    """Register Markdown, LaTeX, CSV, JSON and a web page."""
    return REPORT_FORMATS
