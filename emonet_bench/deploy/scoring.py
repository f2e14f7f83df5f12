"""Scoring: clips become stretches, stretches go through a model in batches, and predictions come back for each clip."""

from __future__ import annotations

from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from emonet_bench.deploy.clips import level_of
from emonet_bench.deploy.model import fault
from emonet_bench.deploy.prediction import Prediction, mean_of, prediction_of
from emonet_bench.deploy.stretches import stretches
from emonet_bench.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from emonet_bench.deploy.arguments import Request
    from emonet_bench.deploy.clips import Level
    from emonet_bench.deploy.model import Model
    from emonet_bench.deploy.ordered_pool import OrderedPool
    from emonet_bench.deploy.sources import Clip

_Piece = tuple[int, str, int, "NDArray[np.float32]"]  # its clip's number and name, its first sample, its samples


class Scorer:
    """Scores with a model.

    Args:
        model: The file, opened.
        threshold: Probability below which a label is ``uncertain``; None: labels are always named.
        level: Measures a stretch.
    """

    def __init__(self, model: Model, threshold: float | None, level: Level = level_of) -> None:
        self.model = model
        self.threshold = threshold
        self.level = level

    def clips(
        self, crew: OrderedPool, asked: Request, group: Sequence[tuple[int, Clip]]
    ) -> list[tuple[int, list[Prediction] | AudioError]]:
        """Decode some clips and score their stretches; return what came of each clip, under its number.

        A thread of the crew takes a stretch when it is free for it, so a long clip is never held as a whole.
        """
        found: dict[int, list[Prediction]] = {number: [] for number, _ in group}
        errors: dict[int, AudioError] = {}
        pieces = self._pieces(asked, group, errors)
        batches = iter(lambda: list(islice(pieces, asked.size)), [])
        for number, one in chain.from_iterable(crew.together(partial(self._numbered, asked), batches)):
            if isinstance(one, Prediction):
                found[number].append(one)
            else:
                errors.setdefault(number, one)
        return [(number, errors.get(number) or self._whole(asked, found[number])) for number, _ in group]

    def stretch(self, asked: Request, start: int, samples: NDArray[np.float32]) -> Prediction:
        """Score a stretch of a stream.

        Raises:
            AudioError: It is too much for the model, or what the model gives is none of what it predicts.
        """
        (found,) = self._scored(asked, [(0, "stream", start, samples)])
        if isinstance(found, AudioError):
            raise found
        return found

    def _pieces(
        self, asked: Request, group: Sequence[tuple[int, Clip]], errors: dict[int, AudioError]
    ) -> Iterator[_Piece]:
        """Yield the stretches of clips; what is wrong with a clip goes to ``errors``."""
        for number, clip in group:
            try:
                for start, samples in stretches(clip.blocks(), asked.cut, self.model.longest):
                    yield number, clip.name, start, samples
            except AudioError as error:
                errors[number] = error

    def _numbered(self, asked: Request, batch: Sequence[_Piece]) -> list[tuple[int, Prediction | AudioError]]:
        """Score stretches, each under its clip's number; an error begins with the clip's name."""
        return [
            (number, AudioError(f"{name}: {one}") if isinstance(one, AudioError) else one)
            for (number, name, *_), one in zip(batch, self._scored(asked, batch), strict=True)
        ]

    def _scored(self, asked: Request, batch: Sequence[_Piece]) -> Sequence[Prediction | AudioError]:
        """Score stretches in one call: a prediction for each, or an error."""
        try:
            outputs = self.model.scores([samples for *_, samples in batch], asked.outputs)
        except AudioError as error:
            return [error] * len(batch)
        return [
            self._prediction(piece, dict(zip(asked.outputs, more, strict=True)), row)
            for piece, row, *more in zip(batch, *outputs, strict=True)
        ]

    def _prediction(
        self, piece: _Piece, more: Mapping[str, NDArray[np.float32]], row: NDArray[np.float32]
    ) -> Prediction | AudioError:
        _, name, start, samples = piece
        model, rate = self.model, self.model.sampling_rate
        stretch = (name, start / rate, (start + len(samples)) / rate, self.level(samples, rate))
        return fault(row, model.target) or prediction_of(row, model.output, model.labels, stretch, more, self.threshold)

    def _whole(self, asked: Request, found: list[Prediction]) -> list[Prediction]:
        """Return a prediction for each stretch; the parts of a long clip that is not cut become one."""
        if asked.cut is not None or len(found) == 1:
            return found
        return [mean_of(found, self.model.output, self.model.labels, self.threshold)]
