"""Clips in memory and the batches cut from them: one int16 tensor for a corpus, one gather for a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

_SCALE = 1 / 32768


@dataclass(frozen=True)
class Batch:
    """Some clips, ready for a network.

    Attributes:
        waveform: (N, S) float32 in [-1, 1], zero past a clip's length.
        lengths: (N,) int64 valid samples, or None where every clip fills its row.
        targets: (N,) int64 indices into the corpus's labels.
        index: (N,) which clips these are.
    """

    waveform: Tensor
    lengths: Tensor | None
    targets: Tensor
    index: Tensor


@dataclass(frozen=True)
class Clips:
    """The labelled audio of one partition.

    Attributes:
        samples: (total,) int16, all audio of the corpus end to end; memory-mapped on CPU, resident on a GPU.
        starts: (N,) int64, first sample of each clip.
        lengths: (N,) int64, samples of each clip.
        targets: (N,) int64 indices into ``labels``.
        labels: The corpus's labels in their declared order.
        names: The utterances' names.
        speakers: The utterances' speakers, where they are known.
        sampling_rate: Samples per second.
    """

    samples: Tensor
    starts: Tensor
    lengths: Tensor
    targets: Tensor
    labels: tuple[str, ...]
    names: tuple[str, ...]
    speakers: tuple[str | None, ...]
    sampling_rate: int

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device: torch.device) -> Clips:
        """Return the clips on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("samples", "starts", "lengths", "targets")}
        return replace(self, **moved)

    def select(self, index: Sequence[int] | Tensor) -> Clips:
        """Return some of the clips, in the order given."""
        index = torch.as_tensor(index, dtype=torch.int64)
        here = index.to(self.starts.device)
        return replace(
            self,
            starts=self.starts[here],
            lengths=self.lengths[here],
            targets=self.targets[here],
            names=tuple(self.names[i] for i in index.tolist()),
            speakers=tuple(self.speakers[i] for i in index.tolist()),
        )

    def whole(self, index: Tensor) -> Batch:
        """Gather whole clips, zero-padded to the longest."""
        lengths = self.lengths[index]
        size = int(lengths.max())
        columns = torch.arange(size, device=lengths.device)  # (S,)
        valid = columns < lengths[:, None]  # (N, S)
        place = self.starts[index, None] + columns.clamp_max(size - 1)
        waveform = self.samples[place.clamp_max(len(self.samples) - 1)].float() * _SCALE * valid
        return Batch(waveform, lengths, self.targets[index], index)

    def crop(self, index: Tensor, window: int, short: Literal["repeat", "pad"]) -> Batch:
        """Gather a random window of each clip; torch's global generator draws the offsets.

        Args:
            index: (N,) which clips.
            window: Samples S of the window.
            short: How a clip shorter than the window fills it.
        """
        lengths = self.lengths[index]
        slack = (lengths - window).clamp_min(0)
        offsets = (torch.rand(len(index)).to(slack.device) * (slack + 1)).long().clamp_max(slack)  # (N,)
        columns = offsets[:, None] + torch.arange(window, device=lengths.device)  # (N, S)
        place = self.starts[index, None] + columns % lengths[:, None]
        waveform = self.samples[place].float() * _SCALE
        if short == "repeat":
            return Batch(waveform, None, self.targets[index], index)
        kept = lengths.clamp_max(window)
        valid = torch.arange(window, device=lengths.device) < kept[:, None]
        return Batch(waveform * valid, kept, self.targets[index], index)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield all whole clips, batched by length so that little is padded; ``Batch.index`` tells which they are."""
        order = torch.argsort(self.lengths, stable=True)
        for start in range(0, len(self), batch_size):
            yield self.whole(order[start : start + batch_size])


def shuffled(count: int, batch_size: int) -> Iterator[Tensor]:
    """Yield indices in random batches, drawn by torch's global generator.

    A single clip left over joins the last batch: batch norms cannot learn from one.
    """
    order = torch.randperm(count)
    parts = list(torch.split(order, batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    yield from parts
