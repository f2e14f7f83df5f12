"""Sources of audio: a file, bytes, an open file or an array becomes a clip with a name and a way to its samples."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from emonet_bench.audio.decoding import duration, resampled
from emonet_bench.audio.reading import blocks
from emonet_bench.deploy.clips import mono, sixteen_bits
from emonet_bench.errors import AudioError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

Source = str | Path | bytes | BinaryIO
"""A path, the content of a file, or a file that is open for reading bytes and can seek."""


class Clip(NamedTuple):
    """A clip that is read when its turn comes.

    Attributes:
        name: For predictions and messages.
        blocks: Yields its samples in blocks (S,) at the model's rate; raises an ``AudioError`` that begins with the
            name.
        length: Returns about how long it is, in any one unit.
    """

    name: str
    blocks: Callable[[], Iterator[NDArray[np.float32]]]
    length: Callable[[], float]


def is_single(files: object) -> bool:
    """Tell whether this is one source rather than several."""
    return isinstance(files, str | Path | bytes | bytearray | memoryview) or hasattr(files, "read")


def from_source(number: int, source: Source, sampling_rate: int) -> Clip:
    """Make a clip of a source; what has no path is named by its number.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(source, str | Path):
        return Clip(str(source), partial(_read_path, source, sampling_rate), lambda: duration(Path(source)))
    if isinstance(source, bytes | bytearray | memoryview):
        return _open(f"bytes {number}", io.BytesIO(source), sampling_rate)
    if not hasattr(source, "read"):
        raise ConfigError(
            f"files: number {number} is of type {type(source).__name__}; give paths, bytes or files that are open for "
            "reading bytes, and arrays to predict_arrays"
        )
    name = getattr(source, "name", None)
    return _open(name if isinstance(name, str) else f"file {number}", source, sampling_rate)


def from_array(number: int, array: NDArray[Any], rate: int, sampling_rate: int, channels: int | None) -> Clip:
    """Make a clip of an array at its own rate; ``channels`` says which axis holds them."""
    name = f"array {number}"

    def load() -> Iterator[NDArray[np.float32]]:
        yield sixteen_bits(resampled(mono(array, channels), rate, sampling_rate))

    return Clip(name, partial(_named, name, load), partial(np.size, array))


def _open(name: str, file: BinaryIO, sampling_rate: int) -> Clip:
    return Clip(name, partial(_named, name, partial(blocks, file, sampling_rate, sixteen_bits)), lambda: 0.0)


def _read_path(source: str | Path, sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    return blocks(Path(source), sampling_rate, sixteen_bits)


def _named(name: str, load: Callable[[], Iterator[NDArray[np.float32]]]) -> Iterator[NDArray[np.float32]]:
    try:
        yield from load()
    except AudioError as error:
        raise AudioError(f"{name}: {error}") from error
