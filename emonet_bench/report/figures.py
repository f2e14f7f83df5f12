"""Figures as inline SVG: gain against cost, learning curves. Colours are the page's CSS variables."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from emonet_bench.escaping import html
from emonet_bench.report import formatting
from emonet_bench.report.details import Curve
from emonet_bench.report.tables.search import Study, best_so_far, expected_curve

_WIDTH, _HEIGHT = 360, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 12, 38
_LETTER = 6.0  # about the width of a letter of a label


@dataclass(frozen=True)
class Point:
    """A cell in a figure of gain against cost.

    Attributes:
        name: What it is called beside its mark.
        group: Its architecture.
        cost: Where it stands on the x axis; positive.
        gain: Where it stands on the y axis.
        low: Lower end of the gain's interval, or None for the baseline itself.
        high: Upper end.
        sure: Whether the gain is significant: its mark is filled.
    """

    name: str
    group: str
    cost: float
    gain: float
    low: float | None = None
    high: float | None = None
    sure: bool = False


def pareto(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats in cost and gain alike, by cost.

    >>> [point.name for point in pareto([Point("a", "", 1, 0.0), Point("b", "", 2, 0.1), Point("c", "", 3, 0.05)])]
    ['a', 'b']
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.gain)):
        if not front or point.gain > front[-1].gain:
            front.append(point)
    return front


@dataclass(frozen=True)
class Scale:
    """Maps values to pixels, linearly or by their logarithms."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Map one value."""
        low, high, at = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return round(self.start + (at - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return round values: decades, or three to six multiples of 1, 2 or 5."""
        if self.log:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            return [10.0**power for power in powers]
        raw = (self.high - self.low) / 5
        unit = 10 ** math.floor(math.log10(raw))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
        return [index * step for index in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def gain_figure(points: Sequence[Point], axis: str, groups: Sequence[str]) -> str:
    """Draw gains with their intervals against costs, and each architecture's Pareto front.

    Args:
        points: What to draw, at least one.
        axis: What the cost is.
        groups: All architectures of the page, in the order of their colours.
    """
    costs = [point.cost for point in points]
    heights = [0.0, *(v for point in points for v in (point.gain, point.low, point.high) if v is not None)]
    margin = max(0.02, 0.08 * (max(heights) - min(heights)))
    x = Scale(10 ** math.floor(math.log10(min(costs) * 0.8)), max(costs) * 3, _LEFT, _WIDTH - _RIGHT, log=True)
    y = Scale(min(heights) - margin, max(heights) + margin, _HEIGHT - _BOTTOM, _TOP)
    by_group: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_group[point.group].append(point)
    parts = [_axes(x, y, axis, signed=True)]
    for group, members in by_group.items():
        corners = [(x(point.cost), y(point.gain)) for point in pareto(members)]
        steps = "".join(f"L{b},{a_y}L{b},{b_y}" for (_, a_y), (b, b_y) in pairwise(corners))
        parts.append(f'<path class="front c{groups.index(group) % 8}" d="M{corners[0][0]},{corners[0][1]}{steps}"/>')
    taken: list[tuple[float, float, float]] = []
    parts += [_mark(point, x, y, groups.index(point.group), taken) for point in points]
    return _svg(f"Gain against {axis}", parts)


def _mark(point: Point, x: Scale, y: Scale, colour: int, taken: list[tuple[float, float, float]]) -> str:
    at, up = x(point.cost), y(point.gain)
    title = f"{point.group} {point.name}: {point.gain:+.3f} at {point.cost:,.0f}"
    whisker = ""
    if point.low is not None and point.high is not None:
        title += f", 95 % interval {point.low:+.3f} to {point.high:+.3f}"
        whisker = f'<line class="whisker" x1="{at}" x2="{at}" y1="{y(point.low)}" y2="{y(point.high)}"/>'
    left, height = _free(at, up, len(point.name) * _LETTER, taken)
    return (
        f'<g class="c{colour % 8}" tabindex="0" role="img" aria-label="{html(title)}"><title>{html(title)}</title>'
        f'{whisker}<circle class="{"sure" if point.sure else "open"}" cx="{at}" cy="{up}" r="4.5"/>'
        f'<text x="{left:.1f}" y="{height:.1f}">{html(point.name)}</text></g>'
    )


def _free(at: float, up: float, width: float, taken: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Find a place beside a mark where its name covers no other's; returns the text's left end and baseline."""
    left = at + 8 if at + 8 + width < _WIDTH - 4 else at - 8 - width
    places = [(left, up + 4 + shift) for shift in (0, -13, 13, -26, 26, -39, 39)]
    for place in places:
        if not any(abs(place[1] - y) < 11 and place[0] < b and a < place[0] + width for a, b, y in taken):  # noqa: PLR2004
            break
    else:
        place = places[0]
    taken.append((place[0], place[0] + width, place[1]))
    return place


def curve_figure(curves: Sequence[Curve], quantity: str, title: str) -> str:
    """Draw a quantity of all runs against the epoch, the kept epoch marked."""
    values = [value for curve in curves for value in curve.values[quantity] if math.isfinite(value)]
    epochs = [epoch for curve in curves for epoch in curve.epochs]
    span = max(max(values) - min(values), 1e-3)
    x = Scale(min(epochs) - 0.5, max(epochs) + 0.5, _LEFT, _WIDTH - _RIGHT)
    y = Scale(min(values) - 0.06 * span, max(values) + 0.06 * span, _HEIGHT - _BOTTOM, _TOP)
    parts = [_axes(x, y, "epoch", signed=False)]
    for number, curve in enumerate(curves):
        pairs = [(x(e), y(v)) for e, v in zip(curve.epochs, curve.values[quantity], strict=True) if math.isfinite(v)]
        line = " ".join(f"{a},{b}" for a, b in pairs)
        kept = curve.values[quantity][list(curve.epochs).index(curve.best)]
        dot = f'<circle class="sure" cx="{x(curve.best)}" cy="{y(kept)}" r="3"/>' if math.isfinite(kept) else ""
        parts.append(f'<g class="c{number % 8}"><title>{html(curve.name)}</title><polyline points="{line}"/>{dot}</g>')
    return _svg(title, parts)


def trial_figure(study: Study) -> str:
    """Draw the dev score of a study's trials in their order, the best so far, and the expected best of so many.

    Args:
        study: At least one of its trials has finished.
    """
    values, best = study.values, best_so_far(study)
    expected = expected_curve(study) if study.independent else []
    span = max(max(values) - min(values), 1e-3)
    x = Scale(0.5, len(values) + 0.5, _LEFT, _WIDTH - _RIGHT)
    y = Scale(min(values) - 0.06 * span, max(values) + 0.06 * span, _HEIGHT - _BOTTOM, _TOP)
    parts = [_axes(x, y, "trial", signed=False)]
    for number, (name, curve) in enumerate((("best so far", best), ("expected best", expected))):
        line = " ".join(f"{x(place)},{y(value)}" for place, value in enumerate(curve, 1))
        parts.append(f'<g class="c{number}"><title>{name}</title><polyline points="{line}"/></g>')
    for place, value in enumerate(values, 1):
        mark = "sure" if value == study.best(values) else "open"
        told = f"trial {place}: dev score {value:.3f}"
        parts.append(
            f'<g class="c0"><title>{told}</title><circle class="{mark}" cx="{x(place)}" cy="{y(value)}" r="3"/></g>'
        )
    return _svg("Dev score of the trials", parts)


def importance_figure(shares: Mapping[str, float]) -> str:
    """Draw how much of the variance of dev each searched option explains, as bars; the most important first."""
    x, height = Scale(0.0, 1.0, _LEFT, _WIDTH - _RIGHT), 34
    parts = []
    for place, (key, share) in enumerate(sorted(shares.items(), key=lambda item: (-item[1], item[0]))):
        top = _TOP + place * height
        name = f"{key}: {share:.0%}"
        parts.append(
            f'<text x="{_LEFT}" y="{top + 10}">{html(name)}</text><g class="c0"><title>{html(name)}</title>'
            f'<rect x="{_LEFT}" y="{top + 15}" width="{max(1.0, x(share) - _LEFT):.1f}" height="8"/></g>'
        )
    return _svg("Importance of the searched options", parts)


def _axes(x: Scale, y: Scale, axis: str, *, signed: bool) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    lines = []
    for tick in y.ticks():
        zero = " zero" if signed and abs(tick) < 1e-9 else ""  # noqa: PLR2004
        lines.append(f'<line class="grid{zero}" x1="{_LEFT}" x2="{right}" y1="{y(tick)}" y2="{y(tick)}"/>')
        lines.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{y(tick) + 4}" text-anchor="end">{_tick(tick, signed)}</text>'
        )
    lines += [
        f'<text class="tick" x="{x(tick)}" y="{bottom + 15}" text-anchor="middle">{count(tick)}</text>'
        for tick in x.ticks()
        if x.log or tick == int(tick)
    ]
    middle = (_LEFT + right) / 2
    lines.append(f'<text class="axis" x="{middle}" y="{_HEIGHT - 5}" text-anchor="middle">{html(axis)}</text>')
    return "".join(lines)


def _tick(value: float, signed: bool) -> str:  # noqa: FBT001
    text = f"{value:+.2f}" if signed and abs(value) > 1e-9 else f"{abs(value):.2f}"  # noqa: PLR2004
    return text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text


def count(number: float) -> str:
    """Write a count, or a part of one: ``317 k``, ``0.25``.

    >>> count(317_814)
    '318 k'
    """
    return f"{number:.3g}" if number < 1 else formatting.count(number)


def _svg(title: str, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="group" aria-label="{html(title)}">{body}</svg>'
