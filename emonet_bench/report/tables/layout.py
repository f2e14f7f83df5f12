"""Layout of a table: what makes its rows, what its columns, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from emonet_bench.errors import ConfigError
from emonet_bench.report.tables.cells import TableCell
from emonet_bench.report.tables.rows import Column, Row
from emonet_bench.report.tables.table import DIMENSIONS, Table
from emonet_bench.validation_messages import did_you_mean

_Key = tuple[int, ...]

SORTS: Mapping[str, Callable[[TableCell], float | None]] = {
    "score": lambda cell: None if cell.score is None else -cell.score,
    "parameters": lambda cell: cell.trainable,
    "seconds": lambda cell: cell.seconds,
}
"""What architectures with strategies can be sorted by, apart from their names: the mean over the rows, best first."""


def arranged(table: Table, rows: str | None = None, columns: str | None = None, sort: str = "name") -> Table:
    """Lay a table out differently; what is ranked and compared stays the same.

    Args:
        table: Any table.
        rows: Dimensions that make the rows, separated by commas; the others make the columns.
        columns: Dimensions that make the columns; the others make the rows.
        sort: ``name`` or one of ``SORTS``.

    Raises:
        ConfigError: A dimension is unknown, occurs twice, or none is left for the rows.
    """
    down, across = _axes(rows, columns) if rows or columns else table.axes
    ordered = table.columns if sort == "name" else tuple(sorted(table.columns, key=_key(table, sort)))
    return replace(table, axes=(down, across), columns=ordered)


def _axes(rows: str | None, columns: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    given = {"--rows": rows, "--columns": columns}
    named = {option: tuple(part.strip() for part in text.split(",")) for option, text in given.items() if text}
    everything = [(option, name) for option, names in named.items() for name in names]
    for option, name in everything:
        if name not in DIMENSIONS:
            raise ConfigError(f"{option} {given[option]}: no dimension {name!r}{did_you_mean(name, DIMENSIONS)}")
    used = {name for _, name in everything}
    rest = tuple(name for name in DIMENSIONS if name not in used)
    twice = len(used) < len(everything)
    if twice or (len(named) > 1 and rest) or (len(named) == 1 and not rest):
        told = " ".join(f"{option} {given[option]}" for option in named)
        raise ConfigError(f"{told}: share {', '.join(DIMENSIONS)} out between --rows and --columns")
    return named.get("--rows", rest), named.get("--columns", rest)


def _key(table: Table, sort: str) -> Callable[[Column], tuple[float, Any]]:
    def key(column: Column) -> tuple[float, Any]:
        values = [SORTS[sort](row.cells[column]) for row in table.rows if column in row.cells]
        sign = -1 if sort == "score" and not table.metric.metric.higher_is_better else 1
        known = [sign * value for value in values if value is not None]
        return (fmean(known) if known else float("inf")), column.order(table.baseline)

    return key


Head = tuple[Row | str, ...]
"""What a row or column is called: a corpus's row, whose wording is left to the renderer, and names."""


def pivot(table: Table) -> tuple[list[Head], list[tuple[Head, list[TableCell | None]]]]:
    """Return the heads of the columns, and each row's head with its cells in their order."""
    heads: tuple[dict[_Key, Head], dict[_Key, Head]] = ({}, {})
    cells: dict[tuple[_Key, ...], TableCell] = {}
    order = _order(table)
    for i, row in enumerate(table.rows):
        for j, column in enumerate(table.columns):
            if column in row.cells:
                place = {"corpus": i} | order[j]
                keys = tuple(tuple(place[name] for name in names) for names in table.axes)
                for known, key, names in zip(heads, keys, table.axes, strict=True):
                    known.setdefault(key, tuple(_parts(row, column, names)))
                cells[keys] = row.cells[column]
    down, across = (sorted(known) for known in heads)
    lines = [(heads[0][key], [cells.get((key, other)) for other in across]) for key in down]
    return [heads[1][key] for key in across], lines


def _order(table: Table) -> list[dict[str, int]]:
    """Place the two names of each column: by itself where they stand together, else by where each name first occurs."""
    if any({"architecture", "strategy"} <= set(names) for names in table.axes):
        return [{"architecture": j, "strategy": j} for j in range(len(table.columns))]
    architectures = list(dict.fromkeys(column.architecture for column in table.columns))
    strategies = list(dict.fromkeys((column.strategy, column.tag) for column in table.columns))
    return [
        {
            "architecture": architectures.index(column.architecture),
            "strategy": strategies.index((column.strategy, column.tag)),
        }
        for column in table.columns
    ]


def _parts(row: Row, column: Column, dimensions: Sequence[str]) -> Iterator[Row | str]:
    for name in dimensions:
        if name == "corpus":
            yield row
        elif name == "architecture":
            yield column.architecture
        else:
            yield from filter(None, (column.strategy, column.tag))
