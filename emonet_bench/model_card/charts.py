"""Charts of a card as inline SVG: curves with their intervals, over a linear axis. Colours are the page's CSS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emonet_bench.escaping import html

_WIDTH, _HEIGHT = 300, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 12, 12, 36
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Mark:
    """A point of a curve.

    Attributes:
        x: Where it stands.
        y: How high, 0 to 1.
        low: Lower end of its interval, where it has one.
        high: Upper end.
        title: What it says when it is pointed at.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    title: str = ""


def chart(
    title: str, axis: str, marks: Sequence[Mark], reference: float | None = None, *, diagonal: bool = False
) -> str:
    """Draw a curve whose y axis goes from 0 to 1.

    Args:
        title: What it shows, for those who do not see it.
        axis: What the x axis is.
        marks: The points, at least one.
        reference: Height of a dashed line.
        diagonal: Whether the line of y = x is drawn, and the x axis goes from 0 to 1.
    """
    first, last = (0.0, 1.0) if diagonal else (min(m.x for m in marks), max(m.x for m in marks))
    span = (last - first) or 1.0

    def across(value: float) -> float:
        return round(_LEFT + (value - first) / span * (_WIDTH - _LEFT - _RIGHT), 1)

    def up(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - min(max(value, 0.0), 1.0) * (_HEIGHT - _BOTTOM - _TOP), 1)

    parts = [_grid(up(tick), tick) for tick in _TICKS]
    if reference is not None:
        parts.append(
            f'<line class="reference" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{up(reference)}" y2="{up(reference)}"/>'
        )
    if diagonal:
        parts.append(f'<line class="reference" x1="{across(0)}" y1="{up(0)}" x2="{across(1)}" y2="{up(1)}"/>')
    ends = [first, last] if diagonal or len(marks) > 6 else [mark.x for mark in marks]  # noqa: PLR2004 - what fits
    parts += [
        f'<text class="tick" x="{across(x)}" y="{_HEIGHT - _BOTTOM + 14}" text-anchor="middle">{x:g}</text>'
        for x in dict.fromkeys(ends)
    ]
    parts.append(f'<text class="axis" x="{_WIDTH / 2}" y="{_HEIGHT - 5}" text-anchor="middle">{html(axis)}</text>')
    line = " ".join(f"{across(mark.x)},{up(mark.y)}" for mark in marks)
    parts += [f'<polyline points="{line}"/>', *(_mark(mark, across(mark.x), up) for mark in marks)]
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html(title)}">{"".join(parts)}</svg>'


def _grid(height: float, tick: float) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height}" y2="{height}"/>'
        f'<text class="tick" x="{_LEFT - 5}" y="{height + 4}" text-anchor="end">{tick:g}</text>'
    )


def _mark(mark: Mark, x: float, up: Callable[[float], float]) -> str:
    whisker = ""
    if mark.low is not None and mark.high is not None:
        whisker = f'<line class="whisker" x1="{x}" x2="{x}" y1="{up(mark.low)}" y2="{up(mark.high)}"/>'
    return f'<g>{whisker}<circle cx="{x}" cy="{up(mark.y)}" r="3.5"><title>{html(mark.title)}</title></circle></g>'
