"""A prediction: what a model says of a stretch of audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the model says of a stretch of audio.

    Attributes:
        file: Where the audio comes from.
        label: The most probable label; empty where the model tells scores or values.
        probabilities: (K,) float32, in the order of the model's labels; (0,) where it tells scores or values.
        start: First second of the stretch.
        end: Last second.
        embedding: (D,) float32, where it was asked for.
        logits: (K,) float32, where they were asked for.
        scores: (K,) float32, of a label set: how sure each label is for itself, from 0 to 1.
        values: (K,) float32, of values: the number of each attribute on its scale.
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

    @property
    def row(self) -> NDArray[np.float32]:
        """What the model tells, (K,): probabilities, scores or values."""
        return next(row for row in (self.scores, self.values, self.probabilities) if row is not None)
