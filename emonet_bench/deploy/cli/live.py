"""Live audio: what standard input brings is scored while it arrives, until it ends or somebody ends it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from emonet_bench.console.termination import ALL, heard_by, restore
from emonet_bench.deploy.pcm import PcmFormat, check_channels, read_frames, read_header
from emonet_bench.errors import AudioError, ConfigError

if TYPE_CHECKING:
    from io import BufferedReader

    from emonet_bench.deploy import Prediction, Predictor, Stream
    from emonet_bench.deploy.pcm import Arriving


class _Ended(BaseException):
    """Somebody ended the stream while it was waited for."""


class Live:
    """A source of bytes that ends at Ctrl-C, SIGTERM or SIGHUP, too; a second one is as everywhere.

    Attributes:
        ended: The signal that has come.
    """

    def __init__(self, source: Arriving) -> None:
        self._source = source
        self._waiting = False
        self.ended: int | None = None

    def read1(self, size: int = -1, /) -> bytes:
        """Return what is there, waiting for something; nothing at the end."""
        try:
            self._waiting = True
            return b"" if self.ended else self._source.read1(size)
        except _Ended:
            return b""
        finally:
            self._waiting = False

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Hear the signals meanwhile."""
        before = heard_by(self._end, ALL)
        try:
            yield
        finally:
            restore(before)

    def _end(self, number: int, _: object) -> None:
        if self.ended:
            raise KeyboardInterrupt
        self.ended = number
        if self._waiting:
            raise _Ended


def streamed(predictor: Predictor, given: Mapping[str, Any], ended: Callable[[int], object]) -> Iterator[Prediction]:
    """Score what standard input brings.

    Args:
        predictor: The model.
        given: The command's options.
        ended: Called after the last prediction with an exit status, where a signal ended the stream.

    Raises:
        AudioError: It is no audio.
        ConfigError: There is no window, no standard input, or the options are none of PCM.
    """
    spec, window = predictor.input_spec, given["window"]
    if window is None and spec.window is None:
        raise ConfigError("--stream: needs a --window, since the model hears all that it is given")
    if sys.stdin is None:  # as Python has it where it is closed
        raise ConfigError("--stream: standard input is closed; send audio to it")
    source = cast("BufferedReader", sys.stdin.buffer)
    pcm = _format(source, predictor, given)
    seconds = (spec.window or 0) / spec.sampling_rate if window is None else window
    stream = predictor.stream(seconds, given["hop"], pcm.sampling_rate, channels=1)
    live = Live(source)
    with live.ending():
        yield from _named(_heard(live, pcm, stream))
    if live.ended:
        ended(128 + live.ended)


def _heard(live: Live, pcm: PcmFormat, stream: Stream) -> Iterator[Prediction]:
    heard = False
    try:
        for frames in read_frames(live, pcm):
            heard = True
            yield from stream.push(frames)
    except AudioError:
        if not live.ended:  # else it may well end within a frame
            raise
    if heard:
        yield from stream.finish()
    elif not live.ended:
        raise AudioError("stream: zero-length: no samples; does the program that sends audio run?")


def _named(predictions: Iterator[Prediction]) -> Iterator[Prediction]:
    try:
        yield from predictions
    except AudioError as error:
        raise AudioError(f"stream: {str(error).removeprefix('stream: ')}") from error


def _format(source: BufferedReader, predictor: Predictor, given: Mapping[str, Any]) -> PcmFormat:
    """Tell what the bytes are: by the options, or by the header that comes first."""
    if given["encoding"] == "wav":
        if given["rate"] is not None or given["channels"] is not None:
            raise ConfigError("--rate, --channels: a WAV file says them itself; give the --encoding of raw PCM")
        return read_header(source)
    channels = 1 if given["channels"] is None else given["channels"]
    check_channels(channels)
    rate = predictor.sampling_rate if given["rate"] is None else given["rate"]
    return PcmFormat(rate, channels, given["encoding"])
