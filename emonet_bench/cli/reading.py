"""Progress bars in a terminal while corpora are read."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import Progress, TaskID


class Reading:
    """Draws a bar for each corpus whose audio is decoded; nothing where the console is no terminal.

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

    def __call__(self, corpus: str, done: int, total: int) -> None:
        """Show how many of a corpus's clips are decoded."""
        if corpus not in self._tasks:
            self._tasks[corpus] = self._progress.add_task(f"reading {corpus}", total=total)
        self._progress.update(self._tasks[corpus], completed=done, total=total)
