"""The terminal: a rich console on which text of others is text, and neither markup nor an escape sequence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
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
