"""Folders, walked to their depth: every file in one, but for what is hidden or was left behind there."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from emonet_bench.errors import CorpusError

_MOST_FILES = 5_000_000
_PASSED_OVER = ("@eaDir", "__MACOSX", "$RECYCLE.BIN", "System Volume Information", "lost+found")


def files_in(folder: Path) -> Iterator[Path]:
    """Yield every file in a folder at any depth, sorted within each directory.

    Symbolic links to directories are entered after all real ones, and no directory twice, so that loops end. Hidden
    files and folders and what desktops and archives leave behind are passed over.

    Raises:
        CorpusError: A directory cannot be read, or there is no end of files.
    """
    waiting, links = deque([folder]), deque[Path]()
    seen: set[tuple[int, int]] = set()
    count = 0
    while waiting or links:
        directory = waiting.popleft() if waiting else links.popleft()
        try:
            state = directory.stat()
            entries = [] if (state.st_dev, state.st_ino) in seen else sorted(os.scandir(directory), key=_name)
        except OSError as error:
            raise CorpusError(f"{directory}: cannot be read ({error.strerror}); check its permissions") from error
        seen.add((state.st_dev, state.st_ino))
        for entry in entries:
            if passed_over(entry.name):
                continue
            if _is_directory(entry):
                (links if entry.is_symlink() else waiting).append(Path(entry.path))
                continue
            count += 1
            if count > _MOST_FILES:
                raise CorpusError(f"{folder}: holds more than {_MOST_FILES} files; name the corpus's own folder")
            yield Path(entry.path)


def passed_over(name: str) -> bool:
    """Tell whether a file or folder is hidden, or left behind by a desktop, an archive or a network drive."""
    return name.startswith(".") or name in _PASSED_OVER


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links
        return False
