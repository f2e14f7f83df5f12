"""Names of utterances and files in tables: the same on every machine, in whatever normal form of Unicode."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from emonet_bench.types import ArchiveMember, AudioSource, Utterance
from emonet_bench.types.audio import archive_member

_STRETCH = re.compile(r"#[0-9.e+-]+-[0-9.e+-]*$")


def portable(utterances: Sequence[Utterance], data_path: Path) -> list[Utterance]:
    """Take absolute paths out of the names of utterances; other names stay.

    Args:
        utterances: Those of all tables of a corpus; their names begin with the file as the table has it.
        data_path: The directory that relative files are relative to. Of a file within it the rest is kept, of others
            what follows the folder that all of them have in common.
    """
    roots = tuple(dict.fromkeys((os.path.abspath(data_path), os.path.realpath(data_path))))  # noqa: PTH100 - a string
    outside = [_path(one) for one in utterances if _is_absolute(one) and _within(_path(one), roots) is None]
    common = _common(outside)
    return [
        replace(one, name=_renamed(one, _within(_path(one), (*roots, common)))) if _is_absolute(one) else one
        for one in utterances
    ]


def source(data_path: Path, cell: str) -> tuple[str, AudioSource]:
    """Find the audio that a table names, and name it as a path: an archive counts as the folder that it would be.

    Args:
        data_path: The directory that files and archives are relative to.
        cell: A path, with backslashes where it was written on Windows; or a member of an archive,
            ``zip://clips/a.wav::audio.zip``, which is ``audio.zip/clips/a.wav``.

    Raises:
        ValueError: It begins like a member of an archive and names none.
    """
    member = archive_member(cell)
    if member is None:
        name = _with_slashes(data_path, cell)
        return name, located(data_path, name)
    form, inside, archive = member
    parts = [part for part in inside.split("/") if part not in ("", ".", "..")]  # a name that leads nowhere else
    return "/".join([archive, *parts]), ArchiveMember(located(data_path, archive), inside, form)


def located(data_path: Path, name: str) -> Path:
    """Find the file that a table names; where it is not there, the other normal forms of its letters are tried."""
    file = data_path / name
    if name.isascii() or os.path.lexists(file):
        return file
    forms = (data_path / unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    return next(filter(os.path.lexists, forms), file)


def _with_slashes(data_path: Path, cell: str) -> str:
    """Read the backslashes of a table made on Windows as slashes, unless files here have them in their names."""
    if "\\" in cell and not (os.sep == "/" and os.path.lexists(data_path / cell)):
        return cell.replace("\\", "/")
    return cell


def _path(utterance: Utterance) -> Path:
    file = utterance.file
    return file if isinstance(file, Path) else Path(utterance.name)


def _is_absolute(utterance: Utterance) -> bool:
    return os.path.isabs(utterance.name)  # noqa: PTH117 - a string


def _within(file: Path, folders: Sequence[str]) -> str | None:
    plain = Path(os.path.normpath(file))
    return next((plain.relative_to(folder).as_posix() for folder in folders if plain.is_relative_to(folder)), None)


def _common(files: Sequence[Path]) -> str:
    """Return the folder that files have in common; the root where they have none, as on two drives."""
    try:
        return os.path.commonpath([os.path.normpath(file.parent) for file in files]) if files else os.sep
    except ValueError:
        return os.sep


def _renamed(utterance: Utterance, path: str | None) -> str:
    """Put a path before the stretch of time that the name may end with."""
    stretch = _STRETCH.search(utterance.name)
    return (path or _path(utterance).name) + (stretch[0] if stretch else "")
