"""The terminal: a rich console on which text of others is text, and neither markup nor an escape sequence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.box import HORIZONTALS
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from emonet_bench.escaping import printable


class Terminal(Console):
    """A console of rich without markup and emoji codes; styles are given with ``Text``.

    Args:
        options: Of ``rich.console.Console``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a string into text, with what a terminal would obey shown instead."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything, with what a terminal would obey shown instead."""
        return super().render(_visible(renderable) if isinstance(renderable, Text) else renderable, options)


def _visible(text: Text) -> Text:
    plain = printable(text.plain)
    if plain == text.plain:
        return text
    layout = {"justify": text.justify, "overflow": text.overflow, "no_wrap": text.no_wrap, "end": text.end}
    return Text(plain, style=text.style, **layout)  # type: ignore[arg-type]  # its spans no longer fit


def grid(*columns: str, wrapped: tuple[str, ...] = ()) -> Table:
    """Make a table of which only some columns may be wrapped where the console is narrow.

    Args:
        columns: Heads; the columns named in ``wrapped`` give way first, and fold.
        wrapped: Those that hold sentences or long names.
    """
    table = Table(box=HORIZONTALS, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in wrapped)
    return table


class Fitting:
    """Tables that say the same: the first that the console is wide enough for is printed, else the last.

    Of those between the first and the last it is enough that no word need be broken.

    Args:
        tables: The widest first.
    """

    def __init__(self, *tables: Table) -> None:
        self.tables = tables

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        whole = options.update(width=10_000)
        measured = [(table, Measurement.get(console, whole, table)) for table in self.tables]
        fits = [table for table, width in measured if width.maximum <= options.max_width]
        wrapped = [table for table, width in measured[1:-1] if width.minimum <= options.max_width]
        yield [*fits, *wrapped, self.tables[-1]][0]
