"""The data loader: endless random batches of clips, as crops, whole, or as features that are kept."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from emonet_bench.config import Training
from emonet_bench.data.dataset import Batch, Clips, Mixed, shuffled
from emonet_bench.training.prediction import training_window
from emonet_bench.types import FrozenFeatures

FEWEST = 2
"""Clips in a piece of a batch: batch norms cannot learn from one."""


def endless_batches(clips: Clips, recipe: Training) -> Iterator[Batch]:
    """Yield batches, one pass over the clips after the other, drawn by torch's global generator."""
    window = training_window(recipe)
    lengths = clips.lengths.cpu()  # once, so that no step waits for the GPU to tell its longest clip
    while True:
        for drawn in shuffled(len(clips), recipe.batch_size):
            index = drawn.to(clips.starts.device, non_blocking=True)
            if window is not None:
                yield clips.crop(index, window, recipe.short_clips)
            elif clips.features is not None:
                yield clips.kept(index, drawn.tolist())
            else:
                yield clips.whole(index, int(lengths[drawn].max()))


def batches_per_pass(clips: int, batch_size: int) -> int:
    """Count the batches of one pass, as ``shuffled`` deals them.

    >>> batches_per_pass(16, 8), batches_per_pass(17, 8), batches_per_pass(18, 8)
    (2, 2, 3)
    """
    return max(1, math.ceil(clips / batch_size) - (clips % batch_size == 1))


def split_batch(batch: Batch, count: int) -> Iterator[Batch]:
    """Divide a batch into micro-batches of nearly equal size and two clips at least."""
    count = max(1, min(count, len(batch.targets) // FEWEST))
    if count == 1:
        yield batch
        return
    for rows in torch.arange(len(batch.targets), device=batch.targets.device).tensor_split(count):
        lengths = None if batch.lengths is None else batch.lengths[rows]
        features = batch.features
        if features is not None:
            frames = None if features.lengths is None else features.lengths[rows]
            features = FrozenFeatures(features.values[rows], frames)
        mixed = batch.mixed and Mixed(batch.mixed.targets[rows], batch.mixed.share)
        index = batch.index[rows]
        yield Batch(batch.waveform[rows], lengths, batch.targets[rows], index, features, mixed, batch.corpus)
