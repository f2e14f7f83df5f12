"""The search space of one tuned row: its dimensions, and points in it, drawn or enumerated."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emonet_bench.errors import ConfigError
from emonet_bench.runs.search import Point, Range

ARCHITECTURE = "architecture"
"""The key of the architecture itself."""

_DIGITS = 4  # significant digits of a drawn number: the same on every machine, and readable


@dataclass(frozen=True)
class Dimension:
    """One searched option.

    Attributes:
        key: Such as ``training.learning_rate``.
        values: What it may be: a list of values or a range.
        whole: Whether the numbers of a range are whole.
    """

    key: str
    values: tuple[Any, ...] | Range
    whole: bool = False

    def listed(self) -> tuple[Any, ...] | None:
        """Return all values, or None where they are those of a continuous range."""
        if not isinstance(self.values, Range):
            return self.values
        return tuple(range(int(self.values.low), int(self.values.high) + 1)) if self.whole else None

    def at(self, share: float) -> Any:
        """Return the value at a share of the way, from 0 to below 1.

        >>> Dimension("training.learning_rate", Range(low=1e-4, high=1e-2, log=True)).at(0.5)
        0.001
        """
        if not isinstance(self.values, Range):
            return self.values[int(share * len(self.values))]
        low, high = float(self.values.low), float(self.values.high)
        if self.whole:
            low, high = low - 0.5, high + 0.5  # rounded to the ends as often as to any other number
        if self.values.log:
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        else:
            value = low + share * (high - low)
        if self.whole:
            return min(max(round(value), int(self.values.low)), int(self.values.high))
        return rounded(value, self.values)


def rounded(value: float, within: Range) -> float:
    """Round a drawn number to few digits, but not out of its range."""
    return min(max(float(f"{value:.{_DIGITS}g}"), float(within.low)), float(within.high))


@dataclass(frozen=True)
class Space:
    """What is searched for one tuned row.

    Attributes:
        dimensions: Of each architecture that may be chosen.
        named: Whether the architecture is itself searched, so that points name it.
    """

    dimensions: Mapping[str, tuple[Dimension, ...]]
    named: bool = False

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures that may be chosen."""
        return tuple(self.dimensions)

    def architecture(self, point: Mapping[str, Any]) -> str:
        """Return the architecture of a point."""
        return str(point.get(ARCHITECTURE, self.architectures[0]))

    @property
    def size(self) -> int | None:
        """The number of points; None where it is continuous."""
        listed = [[one.listed() for one in dimensions] for dimensions in self.dimensions.values()]
        if any(values is None for each in listed for values in each):
            return None
        return sum(math.prod(len(values or ()) for values in each) for each in listed)

    def point(self, draw: Callable[[Dimension], Any]) -> Point:
        """Return a point whose values are drawn one by one: the architecture first, then its own options.

        Args:
            draw: Draws a value of a dimension.
        """
        named: Point = {ARCHITECTURE: draw(Dimension(ARCHITECTURE, self.architectures))} if self.named else {}
        return named | {one.key: draw(one) for one in self.dimensions[self.architecture(named)]}

    def points(self) -> Iterator[Point]:
        """Yield every point, the last dimension fastest.

        Raises:
            ConfigError: A dimension is a continuous range.
        """
        for architecture, dimensions in self.dimensions.items():
            named = {ARCHITECTURE: architecture} if self.named else {}
            for values in itertools.product(*map(_enumerated, dimensions)):
                yield named | dict(zip((one.key for one in dimensions), values, strict=True))


def _enumerated(dimension: Dimension) -> tuple[Any, ...]:
    listed = dimension.listed()
    if listed is None:
        raise ConfigError(
            f"search.space.{dimension.key}: a grid has no continuous range; list its values, or take another sampler"
        )
    return listed
