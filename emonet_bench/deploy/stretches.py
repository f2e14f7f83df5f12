"""Stretches: the sliding windows of a clip that are scored each for itself, and the parts of one that is long.

A clip that is heard whole, and is longer than ``LONGEST`` seconds, is scored in parts: what a model computes for it
would fill the memory. What it tells of the clip is then the mean over them, weighted by their length.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from emonet_bench.audio.decoding import joined
from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

LONGEST = 60.0
"""Seconds of a clip that are scored at once where no window is asked for."""

Cut = tuple[int, int]
"""Samples of a stretch, and from the start of one to the start of the next."""

Stretch = tuple[int, "NDArray[np.float32]"]
"""Its first sample, and its samples (S,)."""

_NOTHING = np.zeros(0, np.float32)


def cut_of(window: float | None, hop: float | None, sampling_rate: int) -> Cut | None:
    """Turn seconds into samples; None: audio is not cut.

    Raises:
        ConfigError: They make no sense.

    >>> cut_of(1.5, None, 16_000)
    (24000, 24000)
    """
    if window is None:
        if hop is not None:
            raise ConfigError("hop: needs a window, too")
        return None
    both = (window, window if hop is None else hop)
    if not all(isinstance(seconds, Real) for seconds in both):
        raise ConfigError(f"window and hop: must be numbers of seconds, are {both[0]!r} and {both[1]!r}")
    if not all(math.isfinite(seconds * sampling_rate) and round(seconds * sampling_rate) >= 1 for seconds in both):
        raise ConfigError(
            f"window and hop: must last a sample at least, and not for ever; are {both[0]} s and {both[1]} s"
        )
    size, step = (round(seconds * sampling_rate) for seconds in both)
    return size, step


class Cutter:
    """Cuts audio that comes in blocks, and keeps no more of it than a stretch.

    Args:
        cut: The stretches.
    """

    def __init__(self, cut: Cut) -> None:
        self._window, self._hop = cut
        self._kept: list[NDArray[np.float32]] = []  # joined when they complete a stretch: most blocks are short
        self._first = 0  # of the kept samples, counted from the start
        self._end = 0  # behind the last one, likewise
        self._next = 0  # start of the next stretch, likewise

    def push(self, samples: NDArray[np.float32]) -> Iterator[Stretch]:
        """Take a block (S,); yield the stretches that it completes."""
        self._kept.append(samples)
        self._end += len(samples)
        if self._next < self._end < self._next + self._window:
            return
        kept = joined(self._kept)
        while len(stretch := kept[self._next - self._first :][: self._window]) == self._window:
            yield self._next, stretch
            self._next += self._hop
        heard = min(self._next - self._first, len(kept))
        self._kept, self._first = [kept[heard:]] if heard < len(kept) else [], self._first + heard

    def finish(self) -> Iterator[Stretch]:
        """Yield what is left, perhaps shorter than a stretch, where no stretch has had it."""
        rest = joined(self._kept or [_NOTHING])[self._next - self._first :]
        if len(rest) > (max(0, self._window - self._hop) if self._next else 0):
            yield self._next, rest


def stretches(blocks: Iterable[NDArray[np.float32]], cut: Cut | None, longest: int | None) -> Iterator[Stretch]:
    """Cut a clip that comes in blocks (S,).

    >>> [(start, piece.tolist()) for start, piece in stretches([np.arange(5)], (3, 2), None)]
    [(0, [0, 1, 2]), (2, [2, 3, 4])]

    Args:
        blocks: All of it.
        cut: Stretches, of which only the last may be shorter, and nothing is left over; None: the clip as a whole.
        longest: Samples from which a whole comes in parts, see ``parts``; None: at no length.
    """
    if cut is None:
        yield from [(0, joined(blocks))] if longest is None else parts(blocks, longest)
        return
    cutter = Cutter(cut)
    for block in blocks:
        yield from cutter.push(block)
    yield from cutter.finish()


def parts(blocks: Iterable[NDArray[np.float32]], longest: int) -> Iterator[Stretch]:
    """Cut a clip of more than ``longest`` samples into parts of a quarter of them; the last two share what is left.

    >>> [(start, len(piece)) for start, piece in parts([np.zeros(30), np.zeros(5)], 32)]
    [(0, 8), (8, 8), (16, 8), (24, 5), (29, 6)]
    """
    left, start, part, divided = _NOTHING, 0, longest // 4, False
    for block in blocks:
        left = np.concatenate([left, block]) if len(left) else block
        divided = divided or len(left) > longest
        while divided and len(left) > 2 * part:
            yield start, left[:part]
            left, start = left[part:], start + part
    middle = len(left) // 2 if divided else 0
    if middle:
        yield start, left[:middle]
    yield start + middle, left[middle:]


def mean_over_parts(rows: Sequence[NDArray[np.float32]], seconds: Sequence[float]) -> NDArray[np.float32]:
    """Return what a clip is said to be by rows (K,) of its parts: their mean, weighted by their lengths."""
    mean: NDArray[np.float64] = np.average(rows, axis=0, weights=seconds)
    return mean.astype(np.float32)
