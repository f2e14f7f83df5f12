"""Notebook figure: scores with their confidence intervals, as an SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emonet_bench.escaping import html
from emonet_bench.files import write_text
from emonet_bench.report.figures import Scale
from emonet_bench.report.tables.cells import TableCell
from emonet_bench.report.tables.table import Table

_WIDTH, _LINE, _TOP, _BOTTOM, _RIGHT = 720, 24, 10, 40, 60
_NARROWEST = 300  # pixels of the axis; long names make the figure wider instead
_LETTER = 6.6  # about the width of a letter of 12 pixels
_STYLE = (
    "text{font:12px sans-serif;fill:#1d2126}.muted{fill:#5f6670}line{stroke:#e3e4e1}"
    ".interval{stroke:#1f5fae;stroke-width:2}.chance{stroke:#5f6670;stroke-dasharray:3 3}circle{fill:#1f5fae}"
)


@dataclass(frozen=True)
class Figure:
    """A figure; a notebook shows it where it is the last value of a cell.

    Attributes:
        svg: The whole SVG document.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: Path | str) -> None:
        """Write it to a file, as SVG."""
        write_text(Path(path), self.svg)


def score_figure(table: Table) -> Figure:
    """Draw the score of each cell of a table as a dot with its 95 % interval, and chance where it is one number.

    Args:
        table: What to draw; cells without a score are left out.
    """
    scored = [
        (f"{row.title} {column}", row.chance, cell) for row, column, cell in table.cells() if cell.score is not None
    ]
    left = 12 + _LETTER * max((len(name) for name, _, _ in scored), default=0)
    x = Scale(0.0, 1.0, left, max(_WIDTH - _RIGHT, left + _NARROWEST))
    bottom = _TOP + _LINE * len(scored)
    parts = [_axis(x, bottom, table.metric.title)]
    levels = {chance for _, chance, _ in scored}
    if len(levels) == 1 and str(table.metric) == "uar":
        parts.append(f'<line class="chance" x1="{x(*levels)}" x2="{x(*levels)}" y1="{_TOP}" y2="{bottom}"/>')
    parts += [_dot(name, cell, x, _TOP + _LINE * (i + 0.5)) for i, (name, _, cell) in enumerate(scored)]
    return Figure(_document(table.metric.title, x.end + _RIGHT, bottom + _BOTTOM, parts))


def _axis(x: Scale, bottom: float, title: str) -> str:
    lines = [
        f'<line x1="{x(tick)}" x2="{x(tick)}" y1="{_TOP}" y2="{bottom}"/>'
        f'<text class="muted" x="{x(tick)}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'
        for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    middle = f'<text class="muted" x="{x(0.5)}" y="{bottom + 33}" text-anchor="middle">{html(title)}</text>'
    return "".join([*lines, middle])


def _dot(name: str, cell: TableCell, x: Scale, y: float) -> str:
    assert cell.score is not None
    span, told = "", f"{name}: {cell.score:.3f}"
    if cell.interval:
        low, high = cell.interval.low, cell.interval.high
        span = f'<line class="interval" x1="{x(low)}" x2="{x(high)}" y1="{y}" y2="{y}"/>'
        told += f", 95 % interval {low:.3f} to {high:.3f}"
    return (
        f'<g><title>{html(told)}</title><text x="4" y="{y + 4}">{html(name)}</text>{span}'
        f'<circle cx="{x(cell.score)}" cy="{y}" r="4.5"/>'
        f'<text x="{x.end + 14:g}" y="{y + 4}">{cell.score:.3f}</text></g>'
    )


def _document(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" role="img" '
        f'aria-label="{html(title)}"><style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f"{''.join(parts)}</svg>"
    )
