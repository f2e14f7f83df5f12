"""HTML: a table with all that lies behind it as one self-contained page."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from emonet_bench.escaping import json_text, printable, shell_word
from emonet_bench.report import formatting
from emonet_bench.report.details import Evidence, gather
from emonet_bench.report.figures import Point, count, curve_figure, gain_figure, importance_figure, trial_figure
from emonet_bench.report.tables.cells import CellRuns, TableCell
from emonet_bench.report.tables.layout import pivot
from emonet_bench.report.tables.rows import Column, Row, fullest
from emonet_bench.report.tables.search import Study, chosen_options, importance, studies
from emonet_bench.report.tables.table import Table
from emonet_bench.runs.facts import CorpusFacts
from emonet_bench.runs.spec import RunSpec

_COSTS = {"trained parameters": "trainable", "training seconds per run": "seconds"}


@dataclass
class Transfer:
    """Scores of one way to transfer, by source and target.

    Attributes:
        title: Architecture and strategy.
        targets: Rows, by their index.
        cells: By source and index of the target.
    """

    title: str
    targets: dict[int, Row] = field(default_factory=dict)
    cells: dict[str, dict[int, TableCell]] = field(default_factory=lambda: defaultdict(dict))


def render_html(table: Table) -> str:
    """Render one page that needs no network: tables, figures and what lies behind each cell."""
    evidence = gather(table)
    page = _environment().get_template("page.html")
    content = page.render(
        table=table,
        title=table.metric.title,
        heads=(laid := pivot(table))[0],
        lines=laid[1],
        evidence=evidence,
        exported=any(cell.parity is not None for _, _, cell in table.cells()),
        carded=any(cell.robustness or cell.subgroup_gap is not None for _, _, cell in table.cells()),
        audited=any(row.audit for row in table.rows),
        anchors={id(item.cell): item.anchor for item in evidence},
        gains=list(_gains(table)),
        groups=_groups(table),
        compared={column.architecture for _, column, cell in table.cells() if cell.against},
        transfers=transfers(table),
        searches=list(_searches(table)),
        corpora=[_facts(row, groups) for row, groups in zip(table.rows, table.groups, strict=True)],
        provenance=_provenance(evidence),
        curve=lambda item, quantity, title: curve_figure(item.curves, quantity, title),
        style=_text("page.css"),
        script=_text("page.js"),
    )
    return printable(content)  # autoescaping leaves control characters and marks of direction as they are


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("emonet_bench.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        chosen=chosen_options,
        score=formatting.number,
        gain=formatting.gain,
        count=count,
        json=_json,
        word=shell_word,
        identity=id,
        is_row=_is_row,
    )
    return environment


def _text(name: str) -> str:
    return (files("emonet_bench.report") / "page" / name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    return json_text(value.model_dump(mode="json") if isinstance(value, RunSpec) else value, indent=1)


def _is_row(part: object) -> bool:
    return isinstance(part, Row)


def _groups(table: Table) -> list[str]:
    return sorted({column.architecture for column in table.columns})


def _gains(table: Table) -> Iterator[tuple[Row, list[str]]]:
    """Draw each row's gains against both costs, where something was compared."""
    for row in table.rows:
        if any(cell.against for cell in row.cells.values()):
            drawn = []
            for axis, name in _COSTS.items():
                points = list(_points(row, name, table.baseline))
                if points:
                    drawn.append(gain_figure(points, axis, _groups(table)))
            yield row, drawn


@dataclass(frozen=True)
class Searched:
    """A tuned cell with the searches behind it.

    Attributes:
        row: Its row.
        column: Its column.
        studies: Each with its figure, and with that of importance where there were enough trials.
    """

    row: Row
    column: Column
    studies: Sequence[tuple[Study, str, str]]


def _searches(table: Table) -> Iterator[Searched]:
    for row, groups in zip(table.rows, table.groups, strict=True):
        for column, group in groups.items():
            drawn = []
            for study in studies(group):
                shares = importance(study)
                drawn.append((study, trial_figure(study), importance_figure(shares) if shares else ""))
            if drawn:
                yield Searched(row, column, drawn)


def _points(row: Row, cost: str, baseline: str) -> Iterator[Point]:
    compared = {column.architecture for column, cell in row.cells.items() if cell.against}
    for column, cell in row.cells.items():
        spent, name = getattr(cell, cost), " ".join(filter(None, (column.strategy, column.tag)))
        if not spent or not (column.architecture in compared or str(column) == baseline):
            continue
        if cell.against:
            span = cell.against
            yield Point(name, column.architecture, spent, span.difference, span.low, span.high, cell.significant)
        elif baseline in {column.strategy, str(column)} and cell.complete:
            yield Point(name, column.architecture, spent, 0.0)


def transfers(table: Table) -> list[Transfer]:
    """Put the cells that start from a source in maps of source and target, one for each way to transfer."""
    found: dict[tuple[str, ...], Transfer] = {}
    for target, row in enumerate(table.rows):
        for column, cell in row.cells.items():
            if cell.source and cell.score is not None:
                tag = re.sub(r"(, )?source=[^,]*", "", column.tag).strip(", ")
                key = (column.architecture, column.strategy, tag)
                way = found.setdefault(key, Transfer(" ".join(filter(None, key))))
                way.targets[target] = row
                way.cells[cell.source][target] = cell
    return [found[key] for key in sorted(found)]


def _facts(row: Row, groups: Mapping[Column, CellRuns]) -> tuple[Row, CorpusFacts]:
    return row, fullest(run.facts for group in groups.values() for run in group.runs)


def _provenance(evidence: Sequence[Evidence]) -> dict[str, list[str]]:
    """List the versions and the hardware that the runs name, each with all values that occur."""
    values: dict[str, set[str]] = defaultdict(set)
    for item in evidence:
        for _, record in item.runs:
            for name, value in record.environment.items():
                values[name].add(str(value))
            for name, value in record.plugins.items():
                values[f"plugin {name}"].add(str(value))
    return {name: sorted(seen) for name, seen in values.items()}
