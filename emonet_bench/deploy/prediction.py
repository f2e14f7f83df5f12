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
        label: The most probable label.
        probabilities: (K,) float32, in the order of the model's labels.
        start: First second of the stretch.
        end: Last second.
        embedding: (D,) float32, where it was asked for.
        logits: (K,) float32, where they were asked for.
        level: Of a stretch that a model has heard: the root mean square of its samples, in dB, that of the constant 1
            being 0; digital silence has minus infinity.
    """

    file: str
    label: str
    probabilities: NDArray[np.float32]
    start: float
    end: float
    embedding: NDArray[np.float32] | None = None
    logits: NDArray[np.float32] | None = None
    level: float | None = None
