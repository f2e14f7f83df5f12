"""What is heard in one clip: clipping, offset, silence, bandwidth, and its fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emonet_bench.audio import decoded, digest
from emonet_bench.audit.fingerprints import fingerprint
from emonet_bench.errors import AudioError
from emonet_bench.machine import cores
from emonet_bench.types import Utterance

_STEP = 2.0**-15  # of 16-bit audio
_FULL = 1 - 2 * _STEP
_RUN = 3  # successive samples at full scale that make clipping
_FRAME = 1_024
_QUIET = 1e-5  # power of a frame against the loudest: -50 dB
_EMPTY = 1e-8  # power of a band against the strongest: -80 dB
_CHUNK = 256


@dataclass(frozen=True)
class ClipStats:
    """Facts of one clip.

    Attributes:
        digest: SHA-256 of its decoded audio.
        rate: Samples per second, as its header declares.
        clipped: Whether three successive samples stand at full scale.
        offset: Mean of the samples, full scale is 1.
        quiet: Share of its frames that are 50 dB or more below its loudest.
        bandwidth: Highest frequency in Hz at which there is more than the rounding noise of 16 bits.
        prints: (T,) uint32, its fingerprint.
    """

    digest: bytes
    rate: int
    clipped: bool
    offset: float
    quiet: float
    bandwidth: float
    prints: NDArray[np.uint32]


def clip_stats(utterance: Utterance) -> ClipStats | AudioError:
    """Listen to one clip; a file that cannot be used is returned as its error."""
    try:
        samples, rate = decoded(utterance.file, utterance.start, utterance.end)
    except AudioError as error:
        return error
    if not samples.any():
        return AudioError("silent: every sample is zero")
    power = _power(samples)
    return ClipStats(
        digest(samples, rate),
        rate,
        _is_clipped(samples),
        float(samples.mean()),
        float((power.sum(axis=1) < _QUIET * power.sum(axis=1).max()).mean()),
        _bandwidth(power, rate),
        fingerprint(samples, rate),
    )


def all_clip_stats(
    utterances: Sequence[Utterance], progress: Callable[[int, int], None] | None = None
) -> list[ClipStats | AudioError]:
    """Listen to many clips, in threads."""
    heard = []
    for clip in _heard(utterances):
        heard.append(clip)
        if progress:
            progress(len(heard), len(utterances))
    return heard


def _heard(utterances: Sequence[Utterance]) -> Iterator[ClipStats | AudioError]:
    with ThreadPoolExecutor(cores()) as pool:
        for first in range(0, len(utterances), _CHUNK):
            yield from pool.map(clip_stats, utterances[first : first + _CHUNK])


def _power(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the power spectrum (T, 513) of half-overlapping frames; its sum is the frame's mean square, about."""
    padded = np.pad(samples, (0, max(0, _FRAME - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[:: _FRAME // 2]
    window = np.hanning(_FRAME)
    power: NDArray[np.float64] = 2 * np.abs(np.fft.rfft(frames * window)) ** 2 / (_FRAME * (window**2).sum())
    return power


def _is_clipped(samples: NDArray[np.float32]) -> bool:
    full = np.abs(samples) >= _FULL
    runs = np.convolve(full, np.ones(_RUN), "valid") if len(full) >= _RUN else np.zeros(1)
    return bool((runs == _RUN).any())


def _bandwidth(power: NDArray[np.float64], rate: int) -> float:
    """Find where the spectrum's upper end is empty in the loudest frames, too."""
    loudest = np.quantile(power, 0.95, axis=0)  # (513,): a single click does not count
    smooth = np.convolve(loudest, np.ones(9) / 9, "same")
    rounding = _STEP**2 / 12 / (_FRAME / 2)  # mean square of rounding to 16 bits, spread over the bins
    filled = np.flatnonzero(smooth > max(8 * rounding, _EMPTY * smooth.max()))
    return float((filled[-1] if len(filled) else 0) * rate / _FRAME)
