"""Metrics in Prometheus's text format, version 0.0.4."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of a histogram of seconds."""

Labels = tuple[tuple[str, str], ...]


class Counter:
    """A sum that only grows, for each set of labels."""

    kind = "counter"

    def __init__(self) -> None:
        self._values: dict[Labels, float] = {}

    def add(self, amount: float = 1, **labels: str) -> None:
        """Add to the sum of these labels."""
        key = tuple(labels.items())
        self._values[key] = self._values.get(key, 0) + amount

    def lines(self, name: str) -> Iterator[str]:
        """Write the samples."""
        yield from (f"{name}{_braces(labels)} {value:.15g}" for labels, value in self._values.items())


class Histogram:
    """How often a value was at most so much, for each set of labels.

    Args:
        bounds: The upper bounds, rising.
    """

    kind = "histogram"

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, **labels: str) -> None:
        """Count a value."""
        key = tuple(labels.items())
        counts = self._counts.setdefault(key, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[key] = self._sums.get(key, 0) + value

    def lines(self, name: str) -> Iterator[str]:
        """Write the samples; buckets are cumulative."""
        for labels, counts in self._counts.items():
            total = 0
            for bound, count in zip([*map(str, self._bounds), "+Inf"], counts, strict=True):
                total += count
                yield f"{name}_bucket{_braces((*labels, ('le', bound)))} {total}"
            yield f"{name}_sum{_braces(labels)} {self._sums[labels]:.15g}"
            yield f"{name}_count{_braces(labels)} {total}"


class Gauge:
    """A value that is looked up when it is asked for.

    Args:
        read: Returns it.
    """

    kind = "gauge"

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read

    def lines(self, name: str) -> Iterator[str]:
        """Write the sample."""
        yield f"{name} {self._read():.15g}"


def exposition(metrics: Mapping[str, tuple[str, Counter | Histogram | Gauge]]) -> str:
    """Write metrics, by name with a help text each.

    >>> print(exposition({"up": ("Whether it is.", Gauge(lambda: 1))}), end="")
    # HELP up Whether it is.
    # TYPE up gauge
    up 1
    """
    lines = []
    for name, (text, metric) in metrics.items():
        lines += [f"# HELP {name} {text}", f"# TYPE {name} {metric.kind}", *metric.lines(name)]
    return "\n".join([*lines, ""])


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
