"""Successive halving (Jamieson and Talwalkar 2016): many trials for few epochs, the best of them for more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from emonet_bench.errors import ConfigError

FACTOR = 3
"""How many trials compete for a place in the next rung, and how much longer one is trained there."""


class Rung(NamedTuple):
    """How many trials are trained for which share of the epochs, ``1 / divisor``."""

    trials: int
    divisor: int

    def epochs(self, most: int) -> int:
        """Return the epochs of this rung where the last one has ``most``.

        >>> Rung(3, 9).epochs(40)
        4
        """
        return max(1, round(most / self.divisor))


def rungs(trials: int, epochs: int) -> list[Rung]:
    """Divide trials into rungs, each with a third of the trials and three times the epochs of the one before.

    Args:
        trials: Of the first rung.
        epochs: Of the last rung.

    Raises:
        ConfigError: There would be a single rung.

    >>> rungs(9, 40)
    [Rung(trials=9, divisor=9), Rung(trials=3, divisor=3), Rung(trials=1, divisor=1)]
    """
    count = min(_powers(trials), _powers(epochs))
    if not count:
        raise ConfigError(
            f"search.pruner: halving needs at least {FACTOR} trials and {FACTOR} epochs, and there are {trials} trials "
            f"and {epochs} epochs; give more, or take none"
        )
    return [Rung(trials // FACTOR**done, FACTOR ** (count - done)) for done in range(count + 1)]


def promoted(values: Sequence[float | None], count: int) -> list[int]:
    """Return the places of the best trials, in their order; of equals the first; one that failed never is.

    >>> promoted([0.2, 0.5, None, 0.5], 2)
    [1, 3]
    """
    known = [(-value, place) for place, value in enumerate(values) if value is not None]
    return sorted(place for _, place in sorted(known)[:count])


def _powers(number: int) -> int:
    """Return how often a number can be divided by the factor."""
    count = 0
    while number >= FACTOR:
        number, count = number // FACTOR, count + 1
    return count
