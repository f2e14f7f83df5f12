"""Test predictions of runs: joined over folds, put in order, and turned into the arrays that metrics take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.counts import label_arrays

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Predictions:
    """The test partition of a ``predictions.csv``: lists of equal length, or empty where something is not read.

    Attributes:
        utterances: Names of the clips.
        speakers: Who speaks, where that is known.
        truth: The label of each clip.
        prediction: The label that was predicted.
        confidence: Its probability.
        numbers: (N, K): the probability of each label, where it is asked for; of a target that is no label, what was
            predicted.
        targets: (N, K): of such a target the truth; ``truth``, ``prediction`` and ``confidence`` are then empty.
    """

    utterances: list[str]
    speakers: list[str | None]
    truth: list[str]
    prediction: list[str]
    confidence: list[float]
    numbers: list[Sequence[float]] = field(default_factory=list)
    targets: list[Sequence[float]] = field(default_factory=list)

    @classmethod
    def empty(cls) -> Predictions:
        """Return no predictions."""
        return cls([], [], [], [], [])

    def arrays(self, labels: Sequence[str]) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        """Return truth and prediction as metrics take them.

        Args:
            labels: In declared order, the order of ``numbers``.

        Returns:
            (N,) indices of the true labels; (N, K) probabilities, of equal ones that of the predicted label being the
            larger, or ones where a label is predicted. Of a target that is no label, truth and prediction (N, K).

        Raises:
            CorpusError: There is nothing to score.
        """
        if self.targets:
            return np.array(self.targets, np.float64), np.array(self.numbers, np.float64)
        truth, predicted = label_arrays(self.truth, self.prediction, labels)
        if not self.numbers:
            return truth, predicted
        numbers = np.array(self.numbers, np.float64)
        chosen = np.arange(len(numbers)), predicted.argmax(axis=1)
        above = np.nextafter(numbers.max(axis=1), 2)
        numbers[chosen] = np.where(numbers.argmax(axis=1) == chosen[1], numbers[chosen], above)
        return truth, numbers

    def ordered(self, utterances: Sequence[str]) -> Predictions:
        """Return them in the order of the given clips, each of which they have."""
        place = {name: index for index, name in enumerate(self.utterances)}
        index = [place[name] for name in utterances]

        def chosen(column: list[Thing]) -> list[Thing]:
            return [column[i] for i in index] if column else []

        return Predictions(
            list(utterances),
            chosen(self.speakers),
            chosen(self.truth),
            chosen(self.prediction),
            chosen(self.confidence),
            chosen(self.numbers),
            chosen(self.targets),
        )

    def tuned(self, metric: MetricChoice, truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Predictions:
        """Return them after what a metric tunes on dev.

        Args:
            metric: Which.
            truth: (M, K) of dev.
            predicted: (M, K) predictions of dev.
        """
        return replace(self, numbers=np.asarray(metric.tuned(truth, predicted, self.numbers)).tolist())

    def joined(self, other: Predictions) -> Predictions:
        """Return these and the others after them."""
        return Predictions(
            self.utterances + other.utterances,
            self.speakers + other.speakers,
            self.truth + other.truth,
            self.prediction + other.prediction,
            self.confidence + other.confidence,
            [*self.numbers, *other.numbers],
            [*self.targets, *other.targets],
        )
