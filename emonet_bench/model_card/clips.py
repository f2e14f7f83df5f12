"""Clips of a card: the audio of a partition with its true labels, read from the sample cache without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.types import Utterance

Floats = NDArray[np.float32]

_SCALE = np.float32(1 / 32768)


@dataclass(frozen=True)
class CardClips:
    """Some utterances of a corpus with their audio.

    Attributes:
        utterances: N utterances, their labels those of the protocol's label map.
        samples: (total,) int16, all audio of the corpus end to end, memory-mapped.
        starts: (N,) first sample of each clip.
        lengths: (N,) samples of each clip.
        sampling_rate: Samples per second.
    """

    utterances: tuple[Utterance, ...]
    samples: NDArray[np.int16]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    sampling_rate: int

    @classmethod
    def of(cls, opened: OpenCorpus, index: Sequence[int]) -> CardClips:
        """Take some of a corpus's utterances."""
        chosen, audio = list(index), opened.audio
        return cls(
            tuple(opened.utterances[i] for i in chosen),
            np.memmap(audio.path, np.int16, mode="r"),
            audio.starts[chosen],
            audio.lengths[chosen],
            opened.sampling_rate,
        )

    def __len__(self) -> int:
        return len(self.utterances)

    def __iter__(self) -> Iterator[Floats]:
        return (self.waveform(place) for place in range(len(self)))

    @property
    def truth(self) -> list[str]:
        """(N,) true labels; a clip of which none is known has the empty one."""
        return [utterance.label or "" for utterance in self.utterances]

    @property
    def speakers(self) -> list[str | None]:
        """(N,) who speaks, where that is known."""
        return [utterance.speaker for utterance in self.utterances]

    @property
    def seconds(self) -> float:
        """How long all clips last together."""
        return float(self.lengths.sum()) / self.sampling_rate

    def waveform(self, place: int) -> Floats:
        """Return the samples (S,) of a clip, in [-1, 1]."""
        start = int(self.starts[place])
        samples: Floats = self.samples[start : start + int(self.lengths[place])] * _SCALE
        return samples

    def select(self, places: Sequence[int]) -> CardClips:
        """Keep some of the clips, in the order given."""
        kept = list(places)
        utterances = tuple(self.utterances[place] for place in kept)
        return replace(self, utterances=utterances, starts=self.starts[kept], lengths=self.lengths[kept])

    def spread(self, count: int) -> CardClips:
        """Keep at most so many clips, evenly from the whole order."""
        places = np.linspace(0, len(self) - 1, min(count, len(self)))
        return self.select(sorted({round(float(place)) for place in places}))
