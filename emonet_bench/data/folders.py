"""A corpus's folder: what in it is no file, and the border that a stranger's card may not cross."""

from __future__ import annotations

import os
from pathlib import Path

from emonet_bench.errors import CorpusError


def is_special(path: Path) -> bool:
    """Tell whether a file is a pipe, a socket or a device, which may never end; a link to nothing is none."""
    return path.exists() and not path.is_file()


def check_within(folder: Path, file: Path, where: str) -> None:
    """Hold a file that a card reads to the corpus's folder, links followed: a stranger wrote the card.

    Raises:
        CorpusError: It lies elsewhere.
    """
    if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder)):  # Path.resolve raises for loops
        raise CorpusError(
            f"{where}: {file} lies outside of {folder}; put it there, or name the card in your own matrix file if you "
            "trust it"
        )
