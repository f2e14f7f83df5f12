"""Augmentation in training: what a recipe names is done to waveforms, to spectrograms and to whole batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Batch
from emonet_bench.errors import Skipped
from emonet_bench.frontend.spectrogram import LogMel

Change = Callable[..., Any]


@dataclass(frozen=True)
class Augmentations:
    """What is done to training clips, each kind in its order; see ``emonet_bench.types.Augmentation``.

    Attributes:
        waveform: Change waveforms (N, S) and lengths (N,).
        batch: Change a ``Batch``, after them.
        features: Change spectrograms (N, bands, T) under a mask (N, 1, T); the names of these augmentations go first.
    """

    waveform: tuple[Change, ...] = ()
    batch: tuple[Change, ...] = ()
    features: tuple[tuple[str, Change], ...] = ()

    def install(self, network: nn.Module) -> None:
        """Let every log-mel front end of a network change its spectrograms in training.

        Raises:
            Skipped: The network has none, and there is something to change.
        """
        front_ends = [module for module in network.modules() if isinstance(module, LogMel)]
        if self.features and not front_ends:
            raise Skipped(f"the augmentation {self.features[0][0]} changes spectrograms, and this network makes none")
        for front_end in front_ends:
            front_end.augmentations = tuple(change for _, change in self.features)

    def changed(self, batch: Batch) -> Batch:
        """Return a batch of waveforms as it is heard; what lies past a clip's length is zero."""
        for change in self.waveform:
            waveform, lengths = change(batch.waveform, batch.lengths)
            batch = replace(batch, waveform=_past_zero(waveform, lengths), lengths=lengths)
        for change in self.batch:
            batch = change(batch)
        return batch


NOTHING = Augmentations()
"""No augmentation."""


def _past_zero(waveform: Tensor, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return waveform
    return waveform.masked_fill(torch.arange(waveform.shape[1], device=waveform.device) >= lengths[:, None], 0)
