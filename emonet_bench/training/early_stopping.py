"""Early stopping: a stage ends when the UAR on dev has not gained for as many epochs as the recipe's patience."""

from __future__ import annotations

from emonet_bench.config import Training
from emonet_bench.training.resume import TrainingProgress

IMPROVEMENT = 0.005
"""The gain in dev UAR that resets the patience, as in EmoNet."""


def note_score(progress: TrainingProgress, dev_uar: float) -> bool:
    """Note the dev UAR of the epoch that has just ended.

    Returns:
        Whether it is the best epoch so far.
    """
    best = dev_uar > progress.best_uar
    if best:
        progress.best_uar, progress.best_epoch = dev_uar, progress.epoch
    if dev_uar > progress.patience_baseline + IMPROVEMENT:
        progress.patience_baseline, progress.epochs_without_improvement = dev_uar, 0
    else:
        progress.epochs_without_improvement += 1
    return best


def patient(progress: TrainingProgress, recipe: Training) -> bool:
    """Tell whether the stage may go on.

    >>> patient(TrainingProgress(epochs_without_improvement=3), Training(patience=3))
    False
    """
    return recipe.patience is None or progress.epochs_without_improvement < recipe.patience
