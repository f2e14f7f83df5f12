"""The columns of a table that hold targets: ``votes:anger``, ``labels:anger`` and ``arousal:1..7``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.types import Target, TargetKind

_NAMED: Mapping[str, TargetKind] = {"votes": "votes", "labels": "label-set"}
_TITLE = re.compile(r"(votes|labels):(.+)", re.IGNORECASE)
_SINGULAR = re.compile(r"(vote|label):(.+)", re.IGNORECASE)
"""A title that misses its last letter, without which one label of several would be lost."""
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_MEANT = re.compile(r"[^:/]+:[^:/]*\.\.[^:/]*")
"""A title that is to say a scale, whether it does or not."""
_SCALE = re.compile(rf"(?P<name>[^:]+):(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})")


@dataclass(frozen=True)
class TargetColumns:
    """The columns of one target.

    Attributes:
        target: The target; it is called ``votes``, ``labels`` or ``values``.
        places: Where the column of each of its names stands.
    """

    target: Target
    places: tuple[int, ...]

    def read(self, where: str, row: Sequence[str]) -> dict[str, Any]:
        """Read a row.

        Args:
            where: The table and the line, for messages.
            row: Its cells.

        Returns:
            A field of ``Utterance`` and what it holds; nothing where all cells are empty.

        Raises:
            CorpusError: A cell is no number or, of several attributes, some are empty.
        """
        cells = [row[place].strip() if place < len(row) else "" for place in self.places]
        if not any(cells):
            return {}
        if self.target.kind == "votes":
            cells = [cell or "0" for cell in cells]
        if "" in cells:
            missing, all_of_them = self.target.names[cells.index("")], ", ".join(self.target.names)
            raise CorpusError(f"{where}: has no {missing}; give all of {all_of_them}, or none of them")
        numbers = {name: _number(where, name, cell) for name, cell in zip(self.target.names, cells, strict=True)}
        if self.target.kind != "label-set":
            return {self.target.name: numbers}
        if odd := [name for name, number in numbers.items() if number not in (0, 1)]:
            raise CorpusError(f"{where}: labels:{odd[0]} must be 1 or 0; got {numbers[odd[0]]:g}")
        return {self.target.name: frozenset(name for name, number in numbers.items() if number)}


def target_columns(where: str, header: Sequence[str]) -> list[TargetColumns]:
    """Find the columns of targets in a header.

    ``votes:NAME`` counts the annotators who chose a label, ``labels:NAME`` is 1 where a label is true and else 0, and
    ``NAME:LOW..HIGH`` holds an attribute on a scale.

    Args:
        where: The table and the line, for messages.
        header: The cells of its first row.

    Raises:
        CorpusError: They make no target; one line.
    """
    found: dict[str, dict[str, int]] = {}
    scales: list[tuple[float, float]] = []
    for place, cell in enumerate(map(str.strip, header)):
        if scale := _SCALE.fullmatch(cell):
            kind, name = "values", scale["name"]
            scales.append((float(scale["low"]), float(scale["high"])))
        elif title := _TITLE.fullmatch(cell):
            kind, name = title[1].lower(), title[2].strip()
        elif title := _SINGULAR.fullmatch(cell):
            raise CorpusError(
                f"{where}: {cell!r} is read as nothing; write it as {title[1].lower()}s:{title[2].strip()}"
            )
        elif _MEANT.fullmatch(cell):
            raise CorpusError(f"{where}: {cell!r} states no scale of numbers; write it as arousal:1..7")
        else:
            continue
        if name in found.setdefault(kind, {}):
            raise CorpusError(f"{where}: two columns hold {kind}:{name}; leave one")
        found[kind][name] = place
    try:
        return [
            TargetColumns(
                Target(name, _NAMED.get(name, "values"), tuple(places), () if name in _NAMED else tuple(scales)),
                tuple(places.values()),
            )
            for name, places in found.items()
        ]
    except ConfigError as error:
        raise CorpusError(f"{where}: {error}") from None


def _number(where: str, name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise CorpusError(f"{where}: {name} must be a number; got {cell!r}") from None
