"""Formatting of a table's figures and names."""

from __future__ import annotations

from emonet_bench.metrics.significance import Interval
from emonet_bench.report.tables.cells import TableCell
from emonet_bench.report.tables.layout import Head
from emonet_bench.report.tables.rows import Row
from emonet_bench.report.tables.table import Table

TO = "\N{EN DASH}"


def words(head: Head) -> list[str]:
    """Name what makes a row or column."""
    return [f"{part.title}, {part.subtitle}" if isinstance(part, Row) else part for part in head]


def title(table: Table) -> str:
    """Say what a table shows."""
    return f"{table.metric.title} on test"


def score(cell: TableCell) -> str:
    """Write the score of a scored cell with its marks: ``~.812 ±.014*†``."""
    assert cell.score is not None
    spread = "" if cell.deviation is None else f" ±{number(cell.deviation)}"
    marks = f"{'*' if cell.significant else ''}{'†' if cell.halved else ''}{'‡' if cell.shared_clips else ''}"
    return f"{'' if cell.complete else '~'}{number(cell.score)}{spread}{marks}"


def interval(cell: TableCell) -> str:
    """Write the interval, or nothing where there is none."""
    return span(cell.interval)


def span(interval: Interval | None) -> str:
    """Write an interval as papers do, or nothing where there is none."""
    return f"{number(interval.low, 2)}{TO}{number(interval.high, 2)}" if interval else ""


def number(value: float, digits: int = 3) -> str:
    """Write a score as papers do.

    >>> number(0.8125), number(-0.016), number(-0.0002), number(10.5)
    ('.812', '-.016', '.000', '10.500')
    """
    text = f"{value:z.{digits}f}"
    return f"-{text[1:].removeprefix('0')}" if text.startswith("-") else text.removeprefix("0")


def gain(value: float) -> str:
    """Write a difference of scores, with its sign.

    >>> gain(0.07), gain(-0.016), gain(10.25)
    ('+.070', '\N{MINUS SIGN}.016', '+10.250')
    """
    sign = "\N{MINUS SIGN}" if round(value, 3) < 0 else "+"
    return sign + number(abs(value))


def count(number: float | None) -> str:
    """Write a count.

    >>> count(317_814)
    '318 k'
    """
    if number is None:
        return ""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= 0.9995 * size:  # 999 950 is 1 M to three digits, not 1e+03 k
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"
