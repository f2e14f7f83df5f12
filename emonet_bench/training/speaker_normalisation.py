"""Speaker normalisation: the features of each speaker's clips get zero mean and unit variance over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from emonet_bench.data.corpus_ref import CorpusRef
from emonet_bench.data.dataset import ClipFeatures, Clips
from emonet_bench.errors import CorpusError, Skipped
from emonet_bench.training.linear_models import FLAT
from emonet_bench.types import FrozenFeatures, Partition

_AT_ONCE = 64  # clips whose features are gathered together


@dataclass(frozen=True)
class StandardisedFeatures:
    """Rows of features, those of each speaker standardised by their own mean and standard deviation.

    Attributes:
        features: As they were.
        speakers: Which speaker each clip is of, (N,) on the CPU.
        mean: Of each speaker (G, ...).
        scale: Likewise, the standard deviation.
    """

    features: ClipFeatures
    speakers: Tensor
    mean: Tensor
    scale: Tensor

    def select(self, index: Sequence[int]) -> StandardisedFeatures:
        """Return those of some clips, in the order given."""
        return replace(self, features=self.features.select(index), speakers=self.speakers[list(index)])

    def to(self, device: torch.device) -> StandardisedFeatures:
        """Let batches go to another device."""
        return replace(self, features=self.features.to(device), mean=self.mean.to(device), scale=self.scale.to(device))

    def gather(self, index: Sequence[int]) -> FrozenFeatures:
        """Return a batch of rows, float32 (N, ...)."""
        own = self.speakers[list(index)].to(self.mean.device)
        return FrozenFeatures((self.features.gather(index).values - self.mean[own]) / self.scale[own])


def normalised(
    clips: Mapping[str, Mapping[Partition, Clips]], refs: Iterable[CorpusRef]
) -> dict[str, dict[Partition, Clips]]:
    """Standardise by speaker the features of the corpora whose protocols say so; see ``normalise_speakers``.

    Args:
        clips: Of each corpus and partition.
        refs: The corpora under their protocols.
    """
    asked = {ref.name: ref.protocol for ref in refs if ref.speaker_normalised}
    return {
        name: normalise_speakers(parts, asked[name]) if name in asked else dict(parts) for name, parts in clips.items()
    }


def normalise_speakers(parts: Mapping[Partition, Clips], protocol: str) -> dict[Partition, Clips]:
    """Standardise the frozen features of a corpus by speaker, over all of a speaker's clips in any partition.

    No label is used, but test audio is: one clip's score depends on the others of its speaker. That is why it is a
    protocol of its own. A feature that is flat over a speaker keeps its scale.

    Args:
        parts: The corpus's clips, with the features of each.
        protocol: Name of the protocol, for messages.

    Raises:
        CorpusError: A clip's speaker is unknown.
        Skipped: A partition's clips have no features, or features that are sequences.
    """
    _check(parts, protocol)
    names = sorted({speaker for clips in parts.values() for speaker in clips.speakers if speaker is not None})
    groups = {
        part: torch.tensor([names.index(speaker) for speaker in clips.speakers if speaker is not None])
        for part, clips in parts.items()
    }
    values = torch.cat([_rows(clips) for clips in parts.values()])  # (N, ...)
    own = torch.cat(list(groups.values()))
    by_speaker = [values[own == number] for number in range(len(names))]
    mean = torch.stack([rows.mean(0) for rows in by_speaker])  # (G, ...)
    scale = torch.stack([rows.std(0, correction=0) for rows in by_speaker])
    scale = scale.masked_fill(scale < FLAT, 1.0)
    return {
        part: replace(clips, features=_standardised(clips, groups[part], mean, scale)) for part, clips in parts.items()
    }


def _standardised(clips: Clips, speakers: Tensor, mean: Tensor, scale: Tensor) -> StandardisedFeatures:
    assert clips.features is not None
    device = clips.starts.device
    return StandardisedFeatures(clips.features, speakers, mean.float().to(device), scale.float().to(device))


def _rows(clips: Clips) -> Tensor:
    """Gather the features of all clips: (N, ...) float64 on the CPU."""
    assert clips.features is not None
    places = torch.split(torch.arange(len(clips)), _AT_ONCE)
    return torch.cat([clips.features.gather(some.tolist()).values.cpu().double() for some in places])


def _check(parts: Mapping[Partition, Clips], protocol: str) -> None:
    for part, clips in parts.items():
        if unknown := clips.speakers.count(None):
            raise CorpusError(
                f"protocol {protocol!r} standardises features by speaker, and {unknown} clips of {part} have no known "
                "speaker; choose the protocol without it"
            )
        if clips.features is None or clips.features.gather([0]).lengths is not None:
            raise Skipped(
                f"protocol {protocol!r} standardises one row of frozen features for each clip, and this network has "
                f"none for {part}: svm and probes of frozen backbones have"
            )
