"""The header of a table: how its columns are separated, and which of them holds what."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath

from emonet_bench.errors import CorpusError
from emonet_bench.types import AUDIO_SUFFIXES, names

NAMES: Mapping[str, tuple[str, ...]] = {
    "file": ("filename", "file_name", "filepath", "file_path", "path", "audio", "audio_file", "audio_path", "wav"),
    "label": ("labels", "emotion", "emotions", "emotion_label", "class", "category"),
    "speaker": ("speaker_id", "speakerid", "spk", "spk_id"),
    "text": (),
    "session": (),
    "partition": (),
    "start": (),
    "end": (),
    "gender": ("sex",),
    "age": ("age_group",),
    "language": ("lang",),
}
"""What columns may hold, and by which other names they are known; capitals, spaces and hyphens make no difference."""

DEMOGRAPHICS = ("gender", "age", "language")
"""Those that say something of the speaker."""

_SEPARATORS = (",", ";", "\t")


def separator(line: str) -> str:
    r"""Tell how the columns of a header are separated: by what makes most known names of it, else by commas.

    >>> separator("file;label;speaker"), separator("file\tlabel"), separator("a,b")
    (';', '\t', ',')
    """
    known = {name for column, others in NAMES.items() for name in (column, *others)}
    counts = {
        one: sum(_plain(cell) in known for row in csv.reader([line], delimiter=one) for cell in row)
        for one in _SEPARATORS
    }
    return max(_SEPARATORS, key=lambda one: (counts[one], one == ","))


def columns(where: str, header: Sequence[str], targets: Collection[int] = ()) -> dict[str, int]:
    """Find the columns that a header names.

    ``file`` is a column of that name, else the first of a name like it, else the first. ``label`` is a column of that
    name or of one like it, or in a table of two columns the other one; never a column that holds something else.

    Args:
        where: The table and the line, for messages.
        header: The cells of its first row.
        targets: Places of columns that hold targets, see ``target_columns``; where there are some, none need hold a
            label.

    Returns:
        The places of ``file``, ``label`` and whatever else is known.

    Raises:
        CorpusError: There is no header, a column that is needed is missing, or one stands there twice.
    """
    plain = [_plain(cell) for cell in header]
    if any(PurePath(cell.strip()).suffix.lower() in AUDIO_SUFFIXES for cell in header):
        raise CorpusError(f"{where} is a clip, not a header; write the names of the columns above it, {_SUCH}")
    sought = NAMES.keys() - (DEMOGRAPHICS if len(header) == 2 else ())  # noqa: PLR2004 - there they are the label
    found = {
        column: place for column in NAMES if column in sought and (place := _place(where, column, plain)) is not None
    }
    if not (found or targets) or len(header) < 2:  # noqa: PLR2004 - file and label
        raise CorpusError(f"{where}: needs a header with at least two columns, {_SUCH}")
    for column, rest in (("file", range(1)), ("label", range(len(header) if len(header) == 2 else 0))):  # noqa: PLR2004
        free = [place for place in rest if place not in {*found.values(), *targets}]
        if column not in found and len(free) == 1:
            found[column] = free[0]
        if column not in found and not (column == "label" and targets):
            other = ", or state the scale of an attribute in its title (arousal:1..7)" if column == "label" else ""
            raise CorpusError(
                f"{where}: no column is called {column!r}; write that above the one with the {column}s{other}"
            )
    return found


_SUCH = "such as file,label,speaker"


def _place(where: str, column: str, plain: Sequence[str]) -> int | None:
    own = [place for place, name in enumerate(plain) if name == column]
    alike = [place for place, name in enumerate(plain) if name in NAMES[column]]
    found = own or alike
    if len(found) > 1 and (own or column != "file"):
        named = names([plain[place] for place in found])
        raise CorpusError(f"{where}: the columns {named} may both hold the {column}s; call only one {column!r}")
    return found[0] if found else None


def _plain(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().casefold())
