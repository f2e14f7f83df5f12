"""Streams: scores for audio that is still arriving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from emonet_bench.audio.decoding import finite
from emonet_bench.deploy.clips import mono, sixteen_bits
from emonet_bench.deploy.stretches import Cutter
from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from emonet_bench.deploy.prediction import Prediction
    from emonet_bench.deploy.stretches import Cut

_NOTHING = np.zeros(0, np.float32)


class Stream:
    """Audio that arrives in chunks. Its predictions are those of the whole audio, cut into the same stretches.

    Args:
        score: Turns the first sample of a stretch and its samples (S,) into a prediction.
        cut: The stretches, at the model's rate.
        rates: Samples per second of the chunks and of the model.
        channels: The axis of the channels in chunks with two, see ``clips.mono``.
    """

    def __init__(
        self,
        score: Callable[[int, NDArray[np.float32]], Prediction],
        cut: Cut,
        rates: tuple[int, int],
        channels: int | None = None,
    ) -> None:
        self.score = score
        self.channels = channels
        same = rates[0] == rates[1]
        self._resampler = None if same else soxr.ResampleStream(*rates, 1, dtype="float32", quality="HQ")
        self._cutter = Cutter(cut)
        self._finished = False

    def push(self, chunk: NDArray[Any]) -> list[Prediction]:
        """Take samples (S,), or with channels as the stream was told; return the predictions that they complete.

        Raises:
            AudioError: They are not audio.
            ConfigError: The stream is finished.
        """
        return self._take(mono(chunk, self.channels, partial=True) if np.size(chunk) else _NOTHING, last=False)

    def finish(self) -> list[Prediction]:
        """End the stream; return the predictions of what is left, the last stretch perhaps shorter.

        Raises:
            ConfigError: The stream is finished.
        """
        found = self._take(_NOTHING, last=True)
        return found + [self.score(*stretch) for stretch in self._cutter.finish()]

    def _take(self, samples: NDArray[np.float32], *, last: bool) -> list[Prediction]:
        if self._finished:
            raise ConfigError("stream: is finished; ask the Predictor for another one")
        self._finished = last
        if self._resampler is not None:
            samples = finite(self._resampler.resample_chunk(samples, last=last))
        return [self.score(*stretch) for stretch in self._cutter.push(sixteen_bits(samples))]
