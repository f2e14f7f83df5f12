"""Clips in memory and the batches cut from them: one int16 tensor for a corpus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import DEFAULTS
from emonet_bench.networks.outputs import on_scales
from emonet_bench.types import FrozenFeatures, Target, TargetKind

Fill = Literal["repeat", "pad"]
"""How a clip that is shorter than its row fills it."""

_SCALE = 1 / 32768


class ClipFeatures(Protocol):
    """What the frozen part of a network makes of each of some clips, see ``emonet_bench.features``."""

    def select(self, index: Sequence[int]) -> ClipFeatures:
        """Return those of some clips, in the order given."""

    def to(self, device: torch.device) -> ClipFeatures:
        """Let batches go to a device."""

    def gather(self, index: Sequence[int]) -> FrozenFeatures:
        """Return a batch of them."""


@dataclass(frozen=True)
class Mixed:
    """What an augmentation has mixed into the clips of a batch.

    Attributes:
        targets: Those of the clips that were mixed in, as in ``Batch``.
        share: What is left of each clip itself, from 0 to 1: so much of its loss is that of its own target.
    """

    targets: Tensor
    share: float


@dataclass(frozen=True)
class Batch:
    """Some clips, ready for a network.

    Attributes:
        waveform: (N, S) float32 in [-1, 1], zero past a clip's length; (N, 0) where features stand for the clips.
        lengths: (N,) int64 valid samples, or None where every clip fills its row.
        targets: (N,) int64 indices into the corpus's labels; or (N, K) float32, see ``Clips``.
        index: (N,) which clips these are.
        features: What the frozen part of the network makes of them, where that is known.
        mixed: What was mixed into them, where something was.
        corpus: Whose they are, in training.
    """

    waveform: Tensor
    lengths: Tensor | None
    targets: Tensor
    index: Tensor
    features: FrozenFeatures | None = None
    mixed: Mixed | None = None
    corpus: str = ""


@dataclass(frozen=True)
class AuxiliaryTarget:
    """What clips say of a further target, which training may learn beside their own.

    Attributes:
        target: Which.
        vectors: (N, K) float32, see ``data.targets.target_vector``; NaN where a clip says nothing of it.
    """

    target: Target
    vectors: Tensor


@dataclass(frozen=True)
class Clips:
    """The labelled audio of one partition.

    Attributes:
        samples: (total,) int16, all audio of the corpus end to end; memory-mapped on CPU, resident on a GPU.
        starts: (N,) int64, first sample of each clip.
        lengths: (N,) int64, samples of each clip.
        targets: (N,) int64 indices into ``labels``. Of another kind of target (N, K) float32: each label's share of the
            votes, 1 where it is true and else 0, or the place of each attribute on its scale, from -1 to 1.
        labels: The corpus's labels in their declared order; of ``values`` the attributes.
        names: The utterances' names.
        speakers: The utterances' speakers, where they are known.
        sampling_rate: Samples per second.
        digests: (N, 32) uint8, SHA-256 of each clip's decoded audio; None: not known.
        features: What the frozen part of a network makes of each clip as a whole, where that is kept.
        target: What is predicted; None: one of the labels.
        selection: What selects on these clips, where they are a dev partition; None: the default of their kind.
        auxiliary: Further targets that training learns beside it.
    """

    samples: Tensor
    starts: Tensor
    lengths: Tensor
    targets: Tensor
    labels: tuple[str, ...]
    names: tuple[str, ...]
    speakers: tuple[str | None, ...]
    sampling_rate: int
    digests: Tensor | None = None
    features: ClipFeatures | None = None
    target: Target | None = None
    selection: MetricChoice | None = None
    auxiliary: tuple[AuxiliaryTarget, ...] = ()

    @property
    def selects(self) -> MetricChoice:
        """The metric that selects on these clips."""
        return self.selection or MetricChoice(DEFAULTS[self.kind])

    @property
    def kind(self) -> TargetKind:
        """What kind of target the clips have."""
        return self.target.kind if self.target else "label"

    def truth(self) -> Tensor:
        """Return what predictions are held against, (N, K) float64 on the CPU; of labels (N,).

        Returns:
            Indices of labels, shares of votes, ones where a label is true, or numbers on their scales.
        """
        targets = self.targets.cpu()
        if self.target is None or self.target.kind == "label":
            return targets
        if self.target.kind != "values":
            return targets.double()
        return on_scales(targets.double(), self.target.scales).round(decimals=6)  # what float32 has made of decimals

    def __len__(self) -> int:
        return len(self.names)

    def to(self, device: torch.device) -> Clips:
        """Return the clips on a device."""
        moved = {name: getattr(self, name).to(device) for name in ("samples", "starts", "lengths", "targets")}
        auxiliary = tuple(replace(one, vectors=one.vectors.to(device)) for one in self.auxiliary)
        return replace(self, **moved, features=self.features and self.features.to(device), auxiliary=auxiliary)

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
            digests=None if self.digests is None else self.digests[index],
            features=self.features and self.features.select(index.tolist()),
            auxiliary=tuple(replace(one, vectors=one.vectors[here]) for one in self.auxiliary),
        )

    def kept(self, index: Tensor, places: Sequence[int]) -> Batch:
        """Gather the features of clips in place of their waveforms.

        Args:
            index: (N,) which clips.
            places: The same numbers, so that nothing waits for a GPU to tell them.
        """
        assert self.features is not None
        nothing = torch.empty(len(places), 0, device=self.starts.device)
        return Batch(nothing, None, self.targets[index], index, self.features.gather(places))

    def whole(self, index: Tensor, longest: int | None = None) -> Batch:
        """Gather whole clips, zero-padded to the longest.

        Args:
            index: (N,) which clips.
            longest: Samples of the longest of them; None: they are looked up, which waits for a GPU.
        """
        lengths = self.lengths[index]
        size = int(lengths.max()) if longest is None else longest
        waveform = self._rows(self.starts[index], lengths, size, "pad")
        return Batch(waveform, lengths, self.targets[index], index)

    def crop(self, index: Tensor, window: int, short: Fill) -> Batch:
        """Gather a random window of each clip; torch's global generator draws the offsets.

        Args:
            index: (N,) which clips.
            window: Samples S of the window.
            short: How a clip shorter than the window fills it.
        """
        lengths = self.lengths[index]
        slack = (lengths - window).clamp_min(0)
        drawn = torch.rand(len(index)).to(slack.device, non_blocking=True)
        offsets = (drawn * (slack + 1)).long().clamp_max(slack)  # (N,)
        kept = lengths.clamp_max(window)
        waveform = self._rows(self.starts[index] + offsets, kept, window, short)
        return Batch(waveform, None if short == "repeat" else kept, self.targets[index], index)

    def _rows(self, first: Tensor, kept: Tensor, size: int, short: Fill) -> Tensor:
        """Bring stretches of the audio, ``kept`` (N,) samples from ``first`` (N,) on, into rows (N, size)."""
        rows = gathered if self.samples.is_cuda else sliced
        return rows(self.samples, first, kept, size, short).mul_(_SCALE)

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Yield all whole clips, batched by length so that little is padded; ``Batch.index`` tells which they are."""
        order = torch.argsort(self.lengths, stable=True)
        for start in range(0, len(self), batch_size):
            yield self.whole(order[start : start + batch_size])


def gathered(samples: Tensor, first: Tensor, kept: Tensor, size: int, short: Fill) -> Tensor:
    """Copy stretches into rows (N, size) of float32 by one gather: nothing waits for the GPU."""
    columns = torch.arange(size, device=samples.device)
    if short == "repeat":
        return samples[first[:, None] + columns % kept[:, None]].float()
    place = first[:, None] + columns
    return (samples[place.clamp_max(len(samples) - 1)] * (columns < kept[:, None])).float()


def sliced(samples: Tensor, first: Tensor, kept: Tensor, size: int, short: Fill) -> Tensor:
    """Copy stretches into rows (N, size) of float32 one by one: on a CPU several times as fast as the gather."""
    rows = torch.empty(len(first), size)  # filled as it is converted: one pass over the memory in place of three
    for row, start, count in zip(rows, first.tolist(), kept.tolist(), strict=True):
        stretch = samples[start : start + count]
        if short == "repeat" and count < size:
            stretch = stretch.repeat(-(-size // count))[:size]
        row[: len(stretch)] = stretch
        row[len(stretch) :] = 0
    return rows


def shuffled(count: int, batch_size: int) -> Iterator[Tensor]:
    """Yield indices in random batches, drawn by torch's global generator.

    A single clip left over joins the last batch: batch norms cannot learn from one.
    """
    order = torch.randperm(count)
    parts = list(torch.split(order, batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    yield from parts
