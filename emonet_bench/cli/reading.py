"""Progress bars in a terminal while corpora are read and models are measured."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import Progress, TaskID


class Bars:
    """Draws a bar for each thing that is told of; nothing where the console is no terminal.

    Args:
        console: Where to draw.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how much of something is done."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


class Reading(Bars):
    """Draws a bar for each corpus whose audio is decoded."""

    def __call__(self, corpus: str, done: int, total: int) -> None:
        """Show how many of a corpus's clips are decoded."""
        super().__call__(f"reading {corpus}", done, total)
