"""Path parameters of a command line: an empty one is a mistake, not the current directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class PathParam(click.Path):
    """A path as ``pathlib.Path``.

    ``--results "$OUT"`` with ``OUT`` unset gives an empty text, which ``pathlib`` takes for the current directory.

    Args:
        settings: Those of ``click.Path``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(path_type=Path, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse an empty path.

        Raises:
            click.BadParameter: It is one.
        """
        if not os.fspath(value):
            self.fail("is empty; name a file or a directory, '.' for this one (is a shell variable unset?)", param, ctx)
        return super().convert(value, param, ctx)
