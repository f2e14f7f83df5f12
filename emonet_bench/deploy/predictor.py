"""The predictor: files, arrays and streams in, predictions out."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from emonet_bench.deploy.abstention import abstain_below
from emonet_bench.deploy.arguments import Request, check_axis, check_count, check_rate
from emonet_bench.deploy.clips import level_of
from emonet_bench.deploy.model import open_model
from emonet_bench.deploy.ordered_pool import OrderedPool, Threads, grouped, in_order
from emonet_bench.deploy.prediction import Prediction, column_names
from emonet_bench.deploy.scoring import Scorer
from emonet_bench.deploy.sources import from_array, from_source, is_single
from emonet_bench.deploy.stream import Stream
from emonet_bench.deploy.stretches import cut_of
from emonet_bench.errors import AudioError, ConfigError
from emonet_bench.machine import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from emonet_bench.deploy.clips import Level
    from emonet_bench.deploy.providers import Providers
    from emonet_bench.deploy.sources import Clip, Source
    from emonet_bench.types import InputSpec, Target


class Predictor:
    """An exported model, ready to listen.

    Clips, and the stretches of a clip, are scored side by side in threads, each on one core: faster than all cores on
    one of them. Any number of callers, in threads of their own, share one session and these threads. It can be pickled.

    Args:
        path: A file written by ``emonet-bench export``.
        providers: Where to compute; ``auto``: on CUDA where onnxruntime has it, else on CPU.
        threads: Clips or stretches at work at once, whoever calls; None: as many as there are cores.
        task: Which corpus's labels, where the file is a bank of several.
        level: Measures each stretch for a ``Timeline``'s gate, from its samples (S,) and their rate, such as
            ``VoiceActivity``; it is called by several threads. None: the root mean square in dB.
        abstain: Whether a label is ``uncertain`` where it is less probable than the file's ``abstain_below``.

    Attributes:
        model: The file, opened.

    Raises:
        ConfigError: The file is missing, not ONNX or not ours; or CUDA was asked for and does not work; or it has no
            such task; or it is to abstain and says no threshold.
    """

    def __init__(
        self,
        path: str | Path,
        providers: Providers = "auto",
        threads: int | None = None,
        task: str | None = None,
        *,
        level: Level | None = None,
        abstain: bool = False,
    ) -> None:
        check_count("threads", threads)
        self.model = open_model(Path(path), providers, task)
        self.threads = threads or cores()
        self._threads = Threads(self.threads)
        self._scorer = Scorer(self.model, abstain_below(self.model.metadata) if abstain else None, level or level_of)
        self._opened = partial(type(self), path, providers, threads, task, level=level, abstain=abstain)

    def __reduce__(self) -> tuple[partial[Predictor], tuple[()]]:
        """Pickle as what it was opened with: another process opens the file itself."""
        return self._opened, ()

    @property
    def labels(self) -> tuple[str, ...]:
        """What the model tells apart, in declared order; of values the attributes."""
        return self.model.labels

    @property
    def target(self) -> Target | None:
        """What the model predicts: votes, a label set or values on scales; None: one of its labels."""
        return self.model.target

    @property
    def sampling_rate(self) -> int:
        """Samples per second that the model hears; audio of other rates is resampled."""
        return self.input_spec.sampling_rate

    @property
    def input_spec(self) -> InputSpec:
        """What the model hears of a clip: all of it, its centre window, or windows all over it."""
        return self.model.input_spec

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
        files: Source | Iterable[Source],
        *,
        window: float | None = None,
        hop: float | None = None,
        batch_size: int | None = None,
        failed: Callable[[AudioError], None] | None = None,
        embeddings: bool = False,
        logits: bool = False,
    ) -> Iterator[Prediction]:
        """Score audio files, in their order.

        A model with a ``centre`` hears that many seconds in the middle of each stretch, whatever the prediction's times
        say: give it a window that is no longer. Without a window, any other model hears a file of more than a minute in
        parts of a quarter of it, and the prediction is the mean of what it tells of them.

        Args:
            files: One or several, of any format that libsndfile reads, any rate, any number of channels (averaged):
                paths, the content of files as ``bytes``, or files that are open for reading bytes and can seek. Content
                without a name is called ``bytes 0`` or ``file 0``.
            window: Seconds of the stretches that are scored each for itself; None: files as a whole.
            hop: Seconds from one stretch to the next; None: the window. The last stretch may be shorter.
            batch_size: Stretches in one call of onnxruntime, from files of similar length; None: 8 on CUDA and 1 on
                CPU, where a batch only adds padding.
            failed: Called with the error of each file that cannot be used, which is then passed over.
            embeddings: Give each prediction its ``embedding``, too.
            logits: Give each prediction its ``logits``, too.

        Yields:
            A prediction for each stretch.

        Raises:
            AudioError: A file cannot be used, and there is no ``failed``.
            ConfigError: Window or hop make no sense.
        """
        several = cast("Iterable[Source]", [files] if is_single(files) else files)
        clips = (from_source(number, file, self.sampling_rate) for number, file in enumerate(several))
        return self._predict(
            clips, Request(cut_of(window, hop, self.sampling_rate), self._size(batch_size), embeddings, logits), failed
        )

    def predict_arrays(
        self,
        arrays: Iterable[NDArray[Any]],
        sampling_rate: int,
        *,
        channels: int | None = None,
        window: float | None = None,
        hop: float | None = None,
        batch_size: int | None = None,
        failed: Callable[[AudioError], None] | None = None,
        embeddings: bool = False,
        logits: bool = False,
    ) -> Iterator[Prediction]:
        """Score arrays as ``predict`` scores files; they are named ``array 0``, ``array 1``, ...

        Args:
            arrays: (S,), or two axes of which one holds the channels. Floats in [-1, 1], or signed integers of 8, 16 or
                32 bits over their whole range.
            sampling_rate: Of all of them.
            channels: The axis of the channels, for arrays with two: 0 for (channels, S), 1 for (S, channels) as sound
                cards and soundfile give it. None: 0, and arrays with more channels than samples are refused.
            window: As in ``predict``, and so are the others.
            hop: See there.
            batch_size: See there.
            failed: See there.
            embeddings: See there.
            logits: See there.

        Raises:
            AudioError: An array is no audio, and there is no ``failed``.
            ConfigError: An argument makes no sense.
        """
        if sampling_rate is None:
            raise ConfigError("sampling_rate: is missing, and arrays do not tell theirs; give samples per second")
        check_rate(sampling_rate)
        check_axis(channels)
        clips = (
            from_array(number, array, sampling_rate, self.sampling_rate, channels)
            for number, array in enumerate(arrays)
        )
        return self._predict(
            clips, Request(cut_of(window, hop, self.sampling_rate), self._size(batch_size), embeddings, logits), failed
        )

    def stream(
        self,
        window: float,
        hop: float | None = None,
        sampling_rate: int | None = None,
        *,
        channels: int | None = None,
        embeddings: bool = False,
        logits: bool = False,
    ) -> Stream:
        """Score audio while it arrives.

        Args:
            window: Seconds of the stretches that are scored.
            hop: Seconds from one stretch to the next; None: the window.
            sampling_rate: Of the chunks; None: the model's.
            channels: As in ``predict_arrays``, for each chunk.
            embeddings: As in ``predict``.
            logits: See there.

        Raises:
            ConfigError: An argument makes no sense.
        """
        check_rate(sampling_rate)
        check_axis(channels)
        cut = cut_of(window, hop, self.sampling_rate)
        if cut is None:
            raise ConfigError("window: a stream needs one; give seconds")
        score = partial(self._scorer.stretch, Request(cut, 1, embeddings, logits))
        return Stream(score, cut, (sampling_rate or self.sampling_rate, self.sampling_rate), channels)

    def rows(self, predictions: Iterable[Prediction]) -> Iterator[dict[str, str | float]]:
        """Turn predictions into rows of a table, see ``columns``."""
        return (dict(zip(self.columns, one.cells(), strict=True)) for one in predictions)

    @property
    def columns(self) -> list[str]:
        """The names of what ``rows`` holds, see ``column_names``."""
        return column_names(self.model.output, self.labels)

    def table(self, predictions: Iterable[Prediction]) -> pd.DataFrame:
        """Turn predictions into a pandas frame with the columns of ``rows``.

        Raises:
            ConfigError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - not among the four
        except ImportError as error:
            raise ConfigError("table() needs pandas; pip install pandas, or use rows()") from error
        return pd.DataFrame(self.rows(predictions), columns=self.columns)

    def _size(self, batch_size: int | None) -> int:
        check_count("batch_size", batch_size)
        return batch_size or (8 if self.model.provider == "cuda" else 1)

    def _predict(
        self, clips: Iterable[Clip], asked: Request, failed: Callable[[AudioError], None] | None
    ) -> Iterator[Prediction]:
        groups = grouped(clips, asked.size, lambda clip: clip.length())
        with OrderedPool(self._threads) as crew:
            for outcome in in_order(crew.prefetch(partial(self._scorer.clips, crew, asked), groups)):
                if not isinstance(outcome, AudioError):
                    yield from outcome
                elif failed is None:
                    raise outcome
                else:
                    failed(outcome)
