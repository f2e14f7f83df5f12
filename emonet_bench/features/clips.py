"""The features of clips, gathered into batches: kept ones, or computed anew for each batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from emonet_bench.types.network import FrozenFeatures


@dataclass(frozen=True)
class KeptFeatures:
    """Features from the store.

    Attributes:
        rows: Of each clip (...) or (T, ...), memory-mapped.
        sequence: Whether they are sequences.
        device: Where batches go.
    """

    rows: Sequence[Tensor]
    sequence: bool
    device: torch.device

    def select(self, index: Sequence[int]) -> KeptFeatures:
        """Return those of some clips, in the order given."""
        return replace(self, rows=[self.rows[i] for i in index])

    def to(self, device: torch.device) -> KeptFeatures:
        """Let batches go to another device."""
        return replace(self, device=device)

    def gather(self, index: Sequence[int]) -> FrozenFeatures:
        """Return a batch, float32: rows (N, ...), or sequences (N, T, ...) padded with zeros."""
        return _batch([self.rows[i] for i in index], sequence=self.sequence, device=self.device)


@dataclass(frozen=True)
class ComputedFeatures:
    """Features that are computed anew for each batch, each clip alone: the same numbers as those that are kept.

    Attributes:
        compute: Computes one clip's: (1, ...) or (1, T, ...).
        places: For each clip the number that ``compute`` knows it by.
        device: Where batches go.
    """

    compute: Callable[[int], FrozenFeatures]
    places: Sequence[int]
    device: torch.device

    def select(self, index: Sequence[int]) -> ComputedFeatures:
        """Return those of some clips, in the order given."""
        return replace(self, places=[self.places[i] for i in index])

    def to(self, device: torch.device) -> ComputedFeatures:
        """Let batches go to another device."""
        return replace(self, device=device)

    def gather(self, index: Sequence[int]) -> FrozenFeatures:
        """Compute a batch, float32: rows (N, ...), or sequences (N, T, ...) padded with zeros."""
        found = [self.compute(self.places[i]) for i in index]
        sequence = found[0].lengths is not None
        rows = [one.values[0] if one.lengths is None else one.values[0, : int(one.lengths[0])] for one in found]
        return _batch(rows, sequence=sequence, device=self.device)


def _batch(rows: Sequence[Tensor], *, sequence: bool, device: torch.device) -> FrozenFeatures:
    if not sequence:
        return FrozenFeatures(torch.stack(list(rows)).to(device).float())
    lengths = torch.tensor([len(row) for row in rows])
    return FrozenFeatures(
        pad_sequence(list(rows), batch_first=True).to(device, non_blocking=True).float(),
        lengths.to(device, non_blocking=True),
    )
