"""Audio sources: a file, a member of an archive or a function, as something to decode."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emonet_bench.audio.archives import opened_member
from emonet_bench.errors import AudioError
from emonet_bench.types import ArchiveMember, AudioSource, LazyAudio


class Samples(NamedTuple):
    """Audio that is decoded already.

    Attributes:
        values: (S, channels) float32.
        rate: Samples per second.
    """

    values: NDArray[np.float32]
    rate: int


@contextmanager
def provided(source: AudioSource | BinaryIO) -> Iterator[Path | BinaryIO | Samples]:
    """Give what a source has: a file to open, a file that is open, or samples.

    Raises:
        AudioError: It has none; the message does not name the source.
    """
    if isinstance(source, ArchiveMember):
        with opened_member(source) as member:
            yield member
    elif isinstance(source, LazyAudio):
        yield _loaded(source)
    elif callable(source):
        raise AudioError("is a bare callable; wrap it: emonet_bench.types.LazyAudio(identity, load)")
    else:
        yield source


def state(source: AudioSource) -> tuple[str | int, ...]:
    """Tell what of a source changes when its audio does, without reading it: path, size and time of last change."""
    if isinstance(source, LazyAudio):
        return ("lazy", source.identity)
    if isinstance(source, ArchiveMember):
        return (source.format, source.member, *state(source.archive))
    file = os.path.abspath(source)  # noqa: PTH100 - much faster than pathlib's
    try:
        found = os.stat(file)  # noqa: PTH116 - likewise
    except (OSError, ValueError):
        return (file, -1, -1)  # reported with all other bad files when it is read
    return (file, found.st_size, found.st_mtime_ns)


def _loaded(source: LazyAudio) -> BinaryIO | Samples:
    try:
        told: Any = source.load()
    except Exception as error:
        words = " ".join(str(error).split())
        raise AudioError(f"its load raised {type(error).__name__}: {words[:300]}") from error
    if isinstance(told, bytes):
        return io.BytesIO(told)
    if not (isinstance(told, tuple) and len(told) == 2):  # noqa: PLR2004 - samples and their rate
        kind = type(told).__name__
        raise AudioError(f"its load returned {kind}; return (samples, sampling_rate), or bytes of a sound file")
    samples, rate = np.asarray(told[0]), told[1]
    if samples.dtype.kind == "i":
        samples = samples / -float(np.iinfo(samples.dtype).min)
    if samples.dtype.kind != "f" or samples.ndim not in (1, 2):
        shape = f"{samples.dtype} {samples.shape} at {rate}"
        raise AudioError(f"its load returned {shape}; return (S,) or (S, channels) floats in [-1, 1] and their rate")
    if samples.ndim == 2 and samples.shape[1] > samples.shape[0]:  # noqa: PLR2004 - (channels, S), as torchaudio has them
        raise AudioError(f"its load returned {samples.shape}, more channels than samples; return (S, channels)")
    try:
        return Samples((samples[:, None] if samples.ndim == 1 else samples).astype(np.float32), int(rate))
    except (TypeError, ValueError, OverflowError):
        raise AudioError(f"its load returned samples at {rate!r}, and {rate!r} is no rate") from None
