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
        label: The most probable label, or ``uncertain``, where the predictor abstains.
        probabilities: (K,) float32, in the order of the model's labels.
        start: First second of the stretch.
        end: Last second.
        embedding: (D,) float32, where it was asked for.
        logits: (K,) float32, where they were asked for.
    """

    file: str
    label: str
    probabilities: NDArray[np.float32]
    start: float
    end: float
    embedding: NDArray[np.float32] | None = None
    logits: NDArray[np.float32] | None = None
