"""Files, arrays and streams in, predictions out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emonet_bench.audio import read, resampled
from emonet_bench.deploy.clips import cut_of, duration, mono, segments, sixteen_bits
from emonet_bench.deploy.model import open_model
from emonet_bench.deploy.ordered_pool import OrderedPool, grouped, in_order
from emonet_bench.deploy.stream import Stream
from emonet_bench.errors import AudioError, ConfigError
from emonet_bench.machine import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from emonet_bench.deploy.clips import Cut
    from emonet_bench.deploy.model import Providers


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the model says of a stretch of audio.

    Attributes:
        file: Where the audio comes from.
        label: The most probable label.
        probabilities: (K,) float32, in the order of the model's labels.
        start: First second of the stretch.
        end: Last second.
    """

    file: str
    label: str
    probabilities: NDArray[np.float32]
    start: float
    end: float


_Piece = tuple[int, str, int, "NDArray[np.float32]"]  # its clip's number and name, its first sample, its samples


class _Clip(NamedTuple):
    name: str
    load: Callable[[], NDArray[np.float32]]  # (S,) at the model's rate
    duration: Callable[[], float]  # in any one unit


class Predictor:
    """An exported model, ready to listen.

    Clips, and the stretches of a clip, are scored side by side in threads, each on one core: faster than all cores on
    one of them.

    Args:
        path: A file written by ``emonet-bench export``.
        providers: Where to compute; ``auto``: on CUDA where onnxruntime has it, else on CPU.
        threads: Clips or stretches at work at once; None: as many as there are cores.
        task: Which corpus's labels, where the file is a bank of several.

    Attributes:
        model: The file, opened.

    Raises:
        ConfigError: The file is missing, not ONNX or not ours; or CUDA was asked for and does not work; or it has no
            such task.
    """

    def __init__(
        self, path: str | Path, providers: Providers = "auto", threads: int | None = None, task: str | None = None
    ) -> None:
        _check_count("threads", threads)
        self.model = open_model(Path(path), providers, task)
        self.threads = threads or cores()

    @property
    def labels(self) -> tuple[str, ...]:
        """What the model tells apart, in declared order."""
        return self.model.labels

    @property
    def sampling_rate(self) -> int:
        """Samples per second that the model hears; audio of other rates is resampled."""
        return self.model.sampling_rate

    @property
    def centre(self) -> float | None:
        """Seconds that the model hears in the middle of what is longer; None: it hears everything."""
        return self.model.centre

    @property
    def metadata(self) -> Mapping[str, str]:
        """Everything that the file says of itself."""
        return self.model.metadata

    def predict(
        self,
        files: str | Path | Iterable[str | Path],
        *,
        window: float | None = None,
        hop: float | None = None,
        batch_size: int | None = None,
        failed: Callable[[AudioError], None] | None = None,
    ) -> Iterator[Prediction]:
        """Score audio files, in their order.

        A model with a ``centre`` hears that many seconds in the middle of each stretch, whatever the prediction's times
        say: give it a window that is no longer.

        Args:
            files: One or several, of any format that libsndfile reads, any rate, any number of channels (averaged).
            window: Seconds of the stretches that are scored each for itself; None: files as a whole.
            hop: Seconds from one stretch to the next; None: the window. The last stretch may be shorter.
            batch_size: Stretches in one call of onnxruntime, from files of similar length; None: 8 on CUDA and 1 on
                CPU, where a batch only adds padding.
            failed: Called with the error of each file that cannot be used, which is then passed over.

        Yields:
            A prediction for each stretch.

        Raises:
            AudioError: A file cannot be used, and there is no ``failed``.
            ConfigError: Window or hop make no sense.
        """
        several = [files] if isinstance(files, str | Path) else files
        clips = (_Clip(str(file), partial(self._read, Path(file)), partial(duration, file)) for file in several)
        return self._predict(clips, cut_of(window, hop, self.sampling_rate), batch_size, failed)

    def predict_arrays(
        self,
        arrays: Iterable[NDArray[Any]],
        sampling_rate: int,
        *,
        window: float | None = None,
        hop: float | None = None,
        batch_size: int | None = None,
        failed: Callable[[AudioError], None] | None = None,
    ) -> Iterator[Prediction]:
        """Score arrays (S,) or (channels, S) as ``predict`` scores files; they are named ``array 0``, ``array 1``, ...

        Args:
            arrays: Floats in [-1, 1], or signed integers over their whole range.
            sampling_rate: Of all of them.
            window: As in ``predict``, and so are the others.
            hop: See there.
            batch_size: See there.
            failed: See there.
        """
        _check_count("sampling_rate", sampling_rate)
        clips = (
            _Clip(name, partial(self._convert, name, array, sampling_rate), partial(np.size, array))
            for name, array in ((f"array {index}", array) for index, array in enumerate(arrays))
        )
        return self._predict(clips, cut_of(window, hop, self.sampling_rate), batch_size, failed)

    def stream(self, window: float, hop: float | None = None, sampling_rate: int | None = None) -> Stream:
        """Score audio while it arrives.

        Args:
            window: Seconds of the stretches that are scored.
            hop: Seconds from one stretch to the next; None: the window.
            sampling_rate: Of the chunks; None: the model's.
        """
        _check_count("sampling_rate", sampling_rate)
        cut = cut_of(window, hop, self.sampling_rate)
        assert cut is not None
        return Stream(self._score, cut, (sampling_rate or self.sampling_rate, self.sampling_rate))

    def rows(self, predictions: Iterable[Prediction]) -> Iterator[dict[str, str | float]]:
        """Turn predictions into rows of a table: file, start, end, prediction and each label's probability."""
        for one in predictions:
            probabilities = dict(zip(self.labels, one.probabilities.tolist(), strict=True))
            yield {"file": one.file, "start": one.start, "end": one.end, "prediction": one.label, **probabilities}

    def table(self, predictions: Iterable[Prediction]) -> pd.DataFrame:
        """Turn predictions into a pandas frame with the columns of ``rows``.

        Raises:
            ConfigError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - not among the four
        except ImportError as error:
            raise ConfigError("table() needs pandas; pip install pandas, or use rows()") from error
        return pd.DataFrame(self.rows(predictions), columns=["file", "start", "end", "prediction", *self.labels])

    def _predict(
        self,
        clips: Iterable[_Clip],
        cut: Cut | None,
        batch_size: int | None,
        failed: Callable[[AudioError], None] | None,
    ) -> Iterator[Prediction]:
        _check_count("batch_size", batch_size)
        return self._carried_out(clips, cut, batch_size or (8 if self.model.provider == "cuda" else 1), failed)

    def _carried_out(
        self, clips: Iterable[_Clip], cut: Cut | None, size: int, failed: Callable[[AudioError], None] | None
    ) -> Iterator[Prediction]:
        groups = grouped(clips, size, lambda clip: clip.duration())
        with OrderedPool(self.threads) as crew:
            for outcome in in_order(crew.prefetch(partial(self._carry_out, crew, cut=cut, size=size), groups)):
                if not isinstance(outcome, AudioError):
                    yield from outcome
                elif failed is None:
                    raise outcome
                else:
                    failed(outcome)

    def _carry_out(
        self, crew: OrderedPool, group: Sequence[tuple[int, _Clip]], cut: Cut | None, size: int
    ) -> list[tuple[int, list[Prediction] | AudioError]]:
        """Decode some clips, score their stretches; return what came of each clip, under its number."""
        outcomes: dict[int, list[Prediction] | AudioError] = {}
        pieces: list[_Piece] = []
        for number, clip in group:
            try:
                pieces += [(number, clip.name, *piece) for piece in segments(clip.load(), cut)]
                outcomes[number] = []
            except AudioError as error:
                outcomes[number] = error
        batches = [pieces[first : first + size] for first in range(0, len(pieces), size)]
        for batch, rows in zip(batches, crew.together(self._rows, batches), strict=True):
            for (number, name, start, samples), row in zip(batch, rows, strict=True):
                found = outcomes[number]
                if isinstance(row, AudioError):
                    outcomes[number] = AudioError(f"{name}: {row}")
                elif not isinstance(found, AudioError):
                    found.append(self._prediction(name, start, len(samples), row))
        return list(outcomes.items())

    def _rows(self, batch: Sequence[_Piece]) -> Sequence[NDArray[np.float32] | AudioError]:
        """Score stretches in one call: their probabilities (K,) each, or the same error for each."""
        try:
            return list(self.model.probabilities([samples for *_, samples in batch]))
        except AudioError as error:
            return [error] * len(batch)

    def _score(self, start: int, samples: NDArray[np.float32]) -> Prediction:
        (row,) = self.model.probabilities([samples])
        return self._prediction("stream", start, len(samples), row)

    def _prediction(self, name: str, start: int, length: int, row: NDArray[np.float32]) -> Prediction:
        rate = self.sampling_rate
        return Prediction(name, self.labels[row.argmax()], row, start / rate, (start + length) / rate)

    def _read(self, path: Path) -> NDArray[np.float32]:
        return sixteen_bits(read(path, self.sampling_rate))

    def _convert(self, name: str, array: NDArray[Any], sampling_rate: int) -> NDArray[np.float32]:
        try:
            return sixteen_bits(resampled(mono(array), sampling_rate, self.sampling_rate))
        except AudioError as error:
            raise AudioError(f"{name}: {error}") from error


def _check_count(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise ConfigError(f"{name}: must be at least 1, is {value}")
