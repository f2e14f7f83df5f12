"""Audio fingerprints that survive coding, resampling and gain, to find near-duplicates.

Haitsma & Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): the sign of the difference, along time and
frequency, of the energies in 33 bands between 300 and 2000 Hz gives 32 bits for each frame. As there, candidates are
pairs of clips with an identical frame at some shift; they are the same where few bits differ (bit error rate).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emonet_bench.audio import resampled
from emonet_bench.errors import AudioError

RATE = 5_000
"""Samples per second at which fingerprints are taken."""
FRAME = 2_048
"""Samples of a frame: 0.41 s, so that shifts by less than a hop matter little."""
HOP = 64
BANDS = np.geomspace(300.0, 2000.0, 34)
"""Borders of the bands in Hz."""
MOST_ERRORS = 0.15
"""Largest bit error rate of two clips that are the same. Unrelated audio is at 0.5."""
SHORTEST = 64
"""Frames that two clips must have in common, 0.8 s: two takes of a shorter word by one voice are hardly told apart."""

_COMMON = 64  # a frame that so many clips have tells nothing
_BITS = np.array([byte.bit_count() for byte in range(256)], np.uint8)


def fingerprint(samples: NDArray[np.float32], rate: int) -> NDArray[np.uint32]:
    """Take the fingerprint of a clip.

    Args:
        samples: (S,).
        rate: Samples per second.

    Returns:
        (T,), 32 bits for each hop; none where nothing is left of the clip at ``RATE``.
    """
    try:
        padded = np.pad(resampled(samples, rate, RATE), FRAME // 2)
    except AudioError:
        return np.zeros(0, np.uint32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]  # (T, FRAME)
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME).astype(np.float32))) ** 2
    borders = np.rint(BANDS * FRAME / RATE).astype(int)
    energy = np.add.reduceat(power, borders, axis=1)[:, :-1]  # (T, 33)
    difference = np.diff(np.diff(energy, axis=1), axis=0)  # (T - 1, 32)
    return np.packbits(difference > 0, axis=1).view(">u4")[:, 0].astype(np.uint32)


def same(prints: Sequence[NDArray[np.uint32]]) -> dict[tuple[int, int], float]:
    """Find the pairs of clips that sound the same.

    Args:
        prints: Fingerprint of each clip.

    Returns:
        The places of two clips, the smaller first, and their bit error rate where they overlap.
    """
    found = {}
    for (first, second), shift in _candidates(prints).items():
        rate = _errors(prints[first], prints[second], shift)
        if rate <= MOST_ERRORS:
            found[first, second] = rate
    return found


def _candidates(prints: Sequence[NDArray[np.uint32]]) -> dict[tuple[int, int], int]:
    """Find pairs of clips that have frames in common, with the shift at which they have most."""
    clips = np.repeat(np.arange(len(prints)), [len(one) for one in prints])
    frames = np.concatenate([np.arange(len(one)) for one in prints] or [np.zeros(0, int)])
    bits = np.concatenate([*prints, np.zeros(0, np.uint32)])
    order = np.argsort(bits, kind="stable")
    borders = np.flatnonzero(np.diff(bits[order])) + 1
    votes: Counter[tuple[int, int, int]] = Counter()
    for run in np.split(order, borders):
        if not 1 < len(run) <= _COMMON or bits[run[0]] in (0, 0xFFFFFFFF):
            continue
        one, other = np.triu_indices(len(run), 1)
        first, second = run[one], run[other]  # in rising order of clips: the sort is stable
        apart = clips[first] != clips[second]
        shifts = (frames[second] - frames[first])[apart].tolist()
        votes.update(zip(clips[first][apart].tolist(), clips[second][apart].tolist(), shifts, strict=True))
    best: dict[tuple[int, int], int] = {}
    for (clip, twin, shift), _ in votes.most_common():
        best.setdefault((clip, twin), shift)
    return best


def _errors(first: NDArray[np.uint32], second: NDArray[np.uint32], shift: int) -> float:
    """Return the share of bits in which two clips differ where they overlap; 1 where they hardly do."""
    start = max(0, -shift)
    length = min(len(first) - start, len(second) - start - shift)
    if length < max(SHORTEST, min(len(first), len(second)) // 2):
        return 1.0
    differing = first[start : start + length] ^ second[start + shift : start + shift + length]
    return float(_BITS[differing.view(np.uint8)].sum() / (32 * length))
