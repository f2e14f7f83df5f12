"""Scores of a card: what a predictor says of clips, with what is true of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emonet_bench.deploy import Predictor
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.counts import label_arrays
from emonet_bench.metrics.defaults import ACCURACY, MACRO_F1, UAR
from emonet_bench.metrics.significance import compare, interval, uar_interval
from emonet_bench.model_card.clips import CardClips
from emonet_bench.model_card.record import Change, Estimate

Probabilities = NDArray[np.float64]


def probabilities(predictor: Predictor, waveforms: Iterable[NDArray[Any]], sampling_rate: int) -> Probabilities:
    """Score N waveforms, (S,) or (channels, S), through the deployed file: (N, K).

    Raises:
        AudioError: A waveform cannot be scored.
    """
    return np.array([one.probabilities for one in predictor.predict_arrays(waveforms, sampling_rate)], np.float64)


@dataclass(frozen=True)
class Scored:
    """Clips that were scored.

    Attributes:
        labels: The model's K labels.
        clips: The N clips.
        probabilities: (N, K).
    """

    labels: tuple[str, ...]
    clips: CardClips
    probabilities: Probabilities

    @classmethod
    def of(cls, predictor: Predictor, clips: CardClips) -> Scored:
        """Score clips as they are."""
        return cls(predictor.labels, clips, probabilities(predictor, clips, clips.sampling_rate))

    @property
    def truth(self) -> list[str]:
        """(N,) true labels."""
        return self.clips.truth

    @property
    def speakers(self) -> list[str | None]:
        """(N,) who speaks, where that is known."""
        return self.clips.speakers

    @property
    def targets(self) -> NDArray[np.int64]:
        """(N,) indices of the true labels."""
        place = {label: index for index, label in enumerate(self.labels)}
        return np.array([place[label] for label in self.truth], np.int64)

    @property
    def predicted(self) -> list[str]:
        """(N,) predicted labels."""
        return [self.labels[index] for index in self.probabilities.argmax(axis=1)]

    def select(self, places: Sequence[int]) -> Scored:
        """Keep some of the clips, in the order given."""
        return Scored(self.labels, self.clips.select(places), self.probabilities[list(places)])

    def uar(self) -> Estimate:
        """Return the UAR with its 95 % interval over speakers."""
        return uar_of(self, self.predicted)


def uar_of(scored: Scored, predicted: list[str]) -> Estimate:
    """Return the UAR of predictions (N,) of these clips, with its 95 % interval over speakers."""
    span = uar_interval(scored.truth, predicted, scored.labels, scored.speakers)
    value = unweighted_average_recall(scored.truth, predicted, scored.labels)
    return Estimate(value=value, low=span.low, high=span.high)


def scores_of(scored: Scored) -> dict[str, Estimate]:
    """Return UAR, accuracy, macro F1 and the recall of each label that is there, with their 95 % intervals."""
    truth, predicted = label_arrays(scored.truth, scored.predicted, scored.labels)
    there = [label for label in scored.labels if label in scored.truth]
    wanted = {
        "UAR": MetricChoice(UAR),
        "accuracy": MetricChoice(ACCURACY),
        "macro F1": MetricChoice(MACRO_F1),
        **{f"recall of {label}": MetricChoice(UAR, label) for label in there},
    }
    found = {}
    for name, choice in wanted.items():
        span = interval(truth, predicted, choice, scored.labels, scored.speakers)
        found[name] = Estimate(value=choice.score(truth, predicted, scored.labels), low=span.low, high=span.high)
    return found


def change_of(scored: Scored, predicted: list[str], reference: list[str]) -> Change:
    """Return by how much the UAR of predictions (N,) differs from that of others of the same clips, paired."""
    truth, first = label_arrays(scored.truth, predicted, scored.labels)
    _, second = label_arrays(scored.truth, reference, scored.labels)
    found = compare(truth, first, second, MetricChoice(UAR), scored.labels, scored.speakers)
    return Change(difference=found.difference, low=found.low, high=found.high, p=found.p)
