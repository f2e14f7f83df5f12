"""Early stopping: a stage ends when what selects on dev has not gained for as many epochs as the recipe's patience."""

from __future__ import annotations

from emonet_bench.config import Training
from emonet_bench.training.resume import TrainingProgress

IMPROVEMENT = 0.005
"""The gain on dev that resets the patience, as in EmoNet."""


def note_score(progress: TrainingProgress, rank: float) -> bool:
    """Note what the epoch that has just ended is worth on dev: the larger, the better (``MetricChoice.rank``).

    Returns:
        Whether it is the best epoch so far.
    """
    best = rank > progress.best_rank
    if best:
        progress.best_rank, progress.best_epoch = rank, progress.epoch
    if rank > progress.patience_baseline + IMPROVEMENT:
        progress.patience_baseline, progress.epochs_without_improvement = rank, 0
    else:
        progress.epochs_without_improvement += 1
    return best


def patient(progress: TrainingProgress, recipe: Training) -> bool:
    """Tell whether the stage may go on.

    >>> patient(TrainingProgress(epochs_without_improvement=3), Training(patience=3))
    False
    """
    return recipe.patience is None or progress.epochs_without_improvement < recipe.patience
