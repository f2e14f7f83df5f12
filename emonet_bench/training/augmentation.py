"""Augmentation in training: what a recipe names is done to waveforms, to spectrograms and to whole batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Batch
from emonet_bench.errors import PluginError, Skipped
from emonet_bench.frontend.spectrogram import LogMel

Change = Callable[..., Any]
Named = tuple[str, Change]
"""An augmentation's name, and what it does."""


@dataclass(frozen=True)
class Augmentations:
    """What is done to training clips, each kind in its order; see ``emonet_bench.types.Augmentation``.

    Attributes:
        waveform: Change waveforms (N, S) and lengths (N,).
        batch: Change a ``Batch``, after them.
        features: Change spectrograms (N, bands, T) under a mask (N, 1, T).
    """

    waveform: tuple[Named, ...] = ()
    batch: tuple[Named, ...] = ()
    features: tuple[Named, ...] = ()

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
        """Return a batch of waveforms as it is heard; what lies past a clip's length is zero.

        Raises:
            PluginError: What an augmentation returns is no such batch, or has other shapes.
        """
        for name, change in self.waveform:
            told = change(batch.waveform, batch.lengths)
            if not (isinstance(told, tuple) and len(told) == 2):  # noqa: PLR2004 - waveform and lengths
                raise PluginError(f"augmentation {name} must return (waveform, lengths); got {type(told).__name__}")
            waveform, lengths = told
            _check_shape(name, waveform, batch.waveform)
            batch = replace(batch, waveform=_past_zero(waveform, lengths), lengths=lengths)
        for name, change in self.batch:
            changed = change(batch)
            if not isinstance(changed, Batch):
                raise PluginError(f"augmentation {name} must return a Batch; got {type(changed).__name__}")
            _check_shape(name, changed.waveform, batch.waveform)
            batch = changed
        return batch


NOTHING = Augmentations()
"""No augmentation."""


def _check_shape(name: str, changed: object, given: Tensor) -> None:
    if not isinstance(changed, Tensor) or changed.shape != given.shape:
        got = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
        raise PluginError(f"augmentation {name} must return waveforms {tuple(given.shape)} as it was given; got {got}")


def _past_zero(waveform: Tensor, lengths: Tensor | None) -> Tensor:
    if lengths is None:
        return waveform
    return waveform.masked_fill(torch.arange(waveform.shape[1], device=waveform.device) >= lengths[:, None], 0)
