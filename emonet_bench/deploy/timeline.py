"""Timelines: the labels of a recording over time, from the predictions of its stretches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from emonet_bench.deploy.abstention import label_of
from emonet_bench.deploy.prediction import Prediction
from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ROUNDING = 1e-6  # seconds


@dataclass(frozen=True)
class Timeline:
    """How stretches become segments.

    Each stretch stands for the time to the middle of its overlap with the next one. Neighbours that touch and have one
    label are a segment, with the mean of their probabilities, each weighted by its time.

    Attributes:
        labels: What the model tells apart.
        smooth: Seconds: a stretch's probabilities become the mean over the stretches whose centres lie within half of
            that from its own. 0: its own alone.
        shortest: Seconds: what is shorter is added to the segment before it that it touches, else to the one behind it;
            what touches none is left out.
        gate: Level, see ``Prediction.level``, below which a stretch is left out, and the time that it stands for is
            nobody's. None: none.
        threshold: Probability below which a smoothed label is ``uncertain``; None: labels are always named.
    """

    labels: Sequence[str]
    smooth: float = 0.0
    shortest: float = 0.0
    gate: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("smooth", self.smooth), ("min-duration", self.shortest)):
            if not 0 <= value < float("inf"):
                raise ConfigError(f"{name}: must be seconds from 0, is {value}")

    def segments(self, predictions: Iterable[Prediction]) -> Iterator[Prediction]:
        """Yield the segments of each recording; its stretches come one after another, in the order of time."""
        recording: list[Prediction] = []
        for one in predictions:
            if recording and (one.file != recording[-1].file or one.start <= recording[-1].start):
                yield from self._segments(recording)
                recording = []
            recording.append(one)
        yield from self._segments(recording)

    def _segments(self, stretches: Sequence[Prediction]) -> Iterator[Prediction]:
        loud = [number for number, one in enumerate(stretches) if self._is_loud(one)]
        times = [*_own_times(stretches)]
        kept: list[Prediction] = []
        for number, smooth in zip(loud, self._smoothed([stretches[number] for number in loud]), strict=True):
            start, end = times[number]
            one = replace(smooth, start=start, end=end)
            last = kept[-1] if kept and one.start - kept[-1].end <= _ROUNDING else None
            if last is not None and last.label == one.label:
                kept[-1] = self._joined(last, one)
            else:
                kept.append(one)
        yield from self._long(kept)

    def _is_loud(self, stretch: Prediction) -> bool:
        return self.gate is None or stretch.level is None or stretch.level >= self.gate

    def _smoothed(self, stretches: Sequence[Prediction]) -> list[Prediction]:
        if not self.smooth or not stretches:
            return [*stretches]
        centres = np.array([(one.start + one.end) / 2 for one in stretches])
        sums = np.cumsum([np.zeros(len(self.labels)), *(one.probabilities for one in stretches)], axis=0)
        first = np.searchsorted(centres, centres - self.smooth / 2 - _ROUNDING)
        last = np.searchsorted(centres, centres + self.smooth / 2 + _ROUNDING)
        means = (sums[last] - sums[first]) / (last - first)[:, None]
        return [
            replace(one, label=label_of(self.labels, mean, self.threshold), probabilities=mean)
            for one, mean in zip(stretches, means.astype(np.float32), strict=True)
        ]

    def _long(self, segments: Sequence[Prediction]) -> list[Prediction]:
        """Add short segments to their neighbours, in one pass from the left."""
        kept: list[Prediction] = []
        for one in segments:
            last = kept[-1] if kept and one.start - kept[-1].end <= _ROUNDING else None
            if last is not None and (last.label == one.label or self._is_short(one)):
                kept[-1] = replace(last, end=one.end) if last.label != one.label else self._joined(last, one)
            elif last is not None and self._is_short(last):
                kept[-1] = replace(one, start=last.start)
            else:
                kept.append(one)
        return [one for one in kept if not self._is_short(one)]

    def _is_short(self, segment: Prediction) -> bool:
        return segment.end - segment.start < self.shortest - _ROUNDING

    def _joined(self, first: Prediction, second: Prediction) -> Prediction:
        weights = [one.end - one.start for one in (first, second)]
        mean = np.average([first.probabilities, second.probabilities], axis=0, weights=weights).astype(np.float32)
        return Prediction(first.file, first.label, mean, first.start, second.end)


def _own_times(stretches: Sequence[Prediction]) -> Iterator[tuple[float, float]]:
    """Yield the first and last second that each stretch stands for: neighbours meet in the middle of their overlap."""
    start = stretches[0].start if stretches else 0.0
    for one, following in zip_longest(stretches, stretches[1:]):
        end = one.end
        if following is not None and following.start < one.end:
            end = (one.end + following.start) / 2
        yield start, end
        start = end if following is None else max(end, following.start)
