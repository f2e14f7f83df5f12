"""A prediction: what a model says of a stretch of audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emonet_bench.deploy.abstention import label_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the model says of a stretch of audio.

    Attributes:
        file: Where the audio comes from.
        label: The most probable label, or ``uncertain`` where the predictor abstains; empty where the model tells
            scores or values.
        probabilities: (K,) float32, in the order of the model's labels; (0,) where it tells scores or values.
        start: First second of the stretch.
        end: Last second.
        embedding: (D,) float32, where it was asked for.
        logits: (K,) float32, where they were asked for.
        scores: (K,) float32, of a label set: how sure each label is for itself, from 0 to 1.
        values: (K,) float32, of values: the number of each attribute on its scale.
        level: Of a stretch that a model has heard at once: the root mean square of its samples, in dB, that of the
            constant 1 being 0; digital silence has minus infinity. Or what else the predictor measures.
    """

    file: str
    label: str
    probabilities: NDArray[np.float32]
    start: float
    end: float
    embedding: NDArray[np.float32] | None = None
    logits: NDArray[np.float32] | None = None
    scores: NDArray[np.float32] | None = None
    values: NDArray[np.float32] | None = None
    level: float | None = None

    def cells(self) -> tuple[str | float, ...]:
        """Return the cells of a row of a table, see ``column_names``."""
        label = [] if self.row is not self.probabilities else [self.label]
        return (self.file, self.start, self.end, *label, *self.row.tolist())

    @property
    def row(self) -> NDArray[np.float32]:
        """What the model tells, (K,): probabilities, scores or values."""
        return next(row for row in (self.scores, self.values, self.probabilities) if row is not None)


def prediction_of(
    row: NDArray[np.float32],
    output: str,
    labels: Sequence[str],
    stretch: tuple[str, float, float, float | None],
    more: Mapping[str, NDArray[np.float32]],
    threshold: float | None = None,
) -> Prediction:
    """Make a prediction of what a model gives for a stretch.

    Args:
        row: (K,) probabilities, scores or values.
        output: Which of them.
        labels: (K,) names.
        stretch: Where the audio comes from, its first and its last second, its level.
        more: ``embedding`` and ``logits``, where they were asked for.
        threshold: Probability below which the label is ``uncertain``; None: labels are always named.
    """
    (file, start, end, level), further = stretch, (more.get("embedding"), more.get("logits"))
    if output == "probabilities":
        return Prediction(file, label_of(labels, row, threshold), row, start, end, *further, level=level)
    told = {output: row}
    return Prediction(file, "", row[:0], start, end, *further, told.get("scores"), told.get("values"), level)


def mean_of(
    parts: Sequence[Prediction], output: str, labels: Sequence[str], threshold: float | None = None
) -> Prediction:
    """Join the predictions of parts that follow each other: the mean of what they tell, weighted by their seconds.

    Args:
        parts: Of one clip, in the order of time.
        output: What they tell: ``probabilities``, ``scores`` or ``values``.
        labels: (K,) names.
        threshold: As in ``prediction_of``.
    """
    from emonet_bench.deploy.stretches import mean_over_parts  # noqa: PLC0415 - numpy, which names of columns need not

    seconds = [one.end - one.start for one in parts]

    def mean(name: str) -> NDArray[np.float32]:
        return mean_over_parts([getattr(one, name) for one in parts], seconds)

    more = {name: mean(name) for name in ("embedding", "logits") if getattr(parts[0], name) is not None}
    stretch = (parts[0].file, parts[0].start, parts[-1].end, None)
    return prediction_of(mean(output), output, labels, stretch, more, threshold)


def column_names(output: str, labels: Sequence[str]) -> list[str]:
    """Name the columns of a table of predictions: file, start, end, prediction, ``probability:LABEL`` of each label.

    Of a label set ``score:LABEL``, of values ``value:ATTRIBUTE`` stand in place of the last two. The prefix keeps
    labels such as ``file`` apart from the rest.

    >>> column_names("values", ["arousal"])
    ['file', 'start', 'end', 'value:arousal']
    """
    prefix = {"probabilities": "probability"}.get(output, output.removesuffix("s"))
    label = ["prediction"] if output == "probabilities" else []
    return ["file", "start", "end", *label, *(f"{prefix}:{name}" for name in labels)]
