"""Samplers: proposals of a study, the same on every machine: made of the seed, the number and what has ended."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from typing import NamedTuple

from emonet_bench.matrix.search.space import Space
from emonet_bench.runs.search import Point, Search

GENERATION = 4
"""Trials that are proposed at once where later ones depend on how earlier ones have ended; not the number of jobs, so
that it never changes a number."""

STARTUP = 8
"""Random trials from which TPE begins to learn."""

_ATTEMPTS = 64  # to draw a point that was not drawn before


class Tried(NamedTuple):
    """A point that was tried, and its value; None: the trial failed."""

    point: Point
    value: float | None


def generation(search: Search, space: Space, tried: Sequence[Tried], limit: int) -> list[Point]:
    """Propose the next trials of a study.

    Args:
        search: How.
        space: Where.
        tried: All trials before, each ended.
        limit: Most trials in all.

    Returns:
        One or more points; none where the study has all that it can have.
    """
    if search.sampler == "tpe" and len(tried) >= STARTUP:
        from emonet_bench.matrix.search.tpe import tpe_points  # noqa: PLC0415 - an extra

        return tpe_points(search.seed, space, tried, min(GENERATION, limit - len(tried)))
    count = limit
    if search.seconds is not None:
        count = min(limit, len(tried) + GENERATION)
    if search.sampler == "tpe":
        count = min(count, STARTUP)
    if search.sampler == "grid":
        return list(itertools.islice(space.points(), len(tried), count))
    return random_points(search.seed, space, count)[len(tried) :]


def random_points(seed: int, space: Space, count: int) -> list[Point]:
    """Draw different points, the same first ones whatever their number; fewer where the space has no more.

    >>> from emonet_bench.matrix.search.space import Dimension
    >>> space = Space({"net": (Dimension("training.epochs", (5, 10)),)})
    >>> len(random_points(0, space, 3))
    2
    """
    points: dict[str, Point] = {}
    for number in range(count):
        for attempt in range(_ATTEMPTS):
            point = space.point(lambda one, draw=f"{seed} {number} {attempt}": one.at(_share(f"{draw} {one.key}")))  # type: ignore[misc]
            if (key := json.dumps(point, sort_keys=True)) not in points:
                points[key] = point
                break
    return list(points.values())


def _share(text: str) -> float:
    """Turn a text into a number from 0 to below 1 that looks random."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48
