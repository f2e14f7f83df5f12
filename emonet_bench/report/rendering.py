"""Renderers of a table: Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from emonet_bench.escaping import csv_cell, json_text, latex, markdown, one_line
from emonet_bench.report import formatting
from emonet_bench.report.tables.cells import TableCell
from emonet_bench.report.tables.layout import Head, pivot
from emonet_bench.report.tables.table import Table
from emonet_bench.report.tables.zero_shot import ZeroShot


def render_markdown(table: Table) -> str:
    """Render as a Markdown table with its notes; the best cell of each row is bold."""
    heads, rows = pivot(table)
    lines = [
        _line([", ".join(table.axes[0]), *map(_name, heads)]),
        _line(["---", *["--:"] * len(heads)]),
        *(_line([_name(head), *(_plain(cell, "**{}**") for cell in cells)]) for head, cells in rows),
    ]
    for one in table.zero_shot:
        lines += [
            "",
            f"Zero-shot {table.metric.title}: {markdown(one.title)}; trained on (rows), scored on (columns)",
            "",
            _line(["", *(markdown(f"{row.title} {one.protocol(row)}") for row in one.targets)]),
            _line(["---", *["--:"] * len(one.targets)]),
            *(_line([markdown(source), *(_plain(cell, "{}") for cell in cells)]) for source, cells in one.lines()),
        ]
    notes = map(markdown, (*table.notes, *table.problems))
    return "\n".join([*lines, "", "  \n".join(notes)]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _name(head: Head) -> str:
    return markdown(" ".join(formatting.words(head)))


def render_latex(table: Table) -> str:
    r"""Render as a LaTeX ``tabular`` for ``\usepackage{booktabs}``; the best cell of each row is bold."""
    heads, rows = pivot(table)
    first = ", ".join(table.axes[0]).capitalize()
    head = " & ".join([first, *(latex(" ".join(formatting.words(head))) for head in heads)])
    lines = [
        *(f"% {one_line(note)}" for note in (*table.notes, *table.problems)),
        rf"\begin{{tabular}}{{l{'r' * len(heads)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
    ]
    for line, cells in rows:
        name = latex(" ".join(formatting.words(line)))
        lines.append(rf"{' & '.join([name, *map(_latex, cells)])} \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    for one in table.zero_shot:
        lines += _latex_map(one)
    return "\n".join(lines) + "\n"


def _latex_map(one: ZeroShot) -> list[str]:
    heads = (latex(f"{row.title} {one.protocol(row)}") for row in one.targets)
    return [
        "",
        f"% zero-shot, {one_line(one.title)}: trained on (rows), scored on (columns)",
        rf"\begin{{tabular}}{{l{'r' * len(one.targets)}}}",
        r"\toprule",
        rf"{' & '.join(['Trained on', *heads])} \\",
        r"\midrule",
        *(rf"{' & '.join([latex(source), *map(_latex, cells)])} \\" for source, cells in one.lines()),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _latex(cell: TableCell | None) -> str:
    if cell is None or cell.score is None:
        return "" if cell is None else cell.state
    score = formatting.score(cell).replace("±", r"$\pm$").replace("*", "$^{*}$").replace("~", r"$^{\sim}$")
    score = score.replace("†", r"$^{\dagger}$")
    interval = rf" {{\scriptsize [{formatting.interval(cell).replace(formatting.TO, '--')}]}}" if cell.interval else ""
    return (rf"\textbf{{{score}}}" if cell.best else score) + interval


def render_csv(table: Table) -> str:
    """Render one line for each cell, at full precision; text that a spreadsheet would compute gets an apostrophe."""
    lines = list(flat_records(table))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(lines[0]) if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in line.items()} for line in lines)
    return stream.getvalue()


def render_json(table: Table) -> str:
    """Render all cells at full precision, and the notes; what is no number is null."""
    content = {
        "metric": str(table.metric),
        "baseline": table.baseline,
        "cells": list(flat_records(table)),
        "notes": table.notes,
        "problems": table.problems,
    }
    return json_text(content, indent=2) + "\n"


def flat_records(table: Table) -> Iterable[dict[str, Any]]:
    """Yield each cell as one flat mapping, at full precision; zero-shot cells come last."""
    crossed = [
        (one.targets[place], one.column, cell, source)
        for one in table.zero_shot
        for (source, place), cell in one.cells.items()
    ]
    for row, column, cell, source in [*((*place, None) for place in table.cells()), *crossed]:
        place = {name: value for name, value in vars(row).items() if name != "cells"}
        values = {name: value for name, value in vars(cell).items() if name not in {"interval", "against", "scores"}}
        span, against = cell.interval, cell.against
        yield {
            **place,
            "chance_level": row.chance,
            **asdict(column),
            "trained_on": source,
            "metric": str(table.metric),
            **values,
            "low": span.low if span else None,
            "high": span.high if span else None,
            "unit": span.unit if span else None,
            "units": span.units if span else None,
            "difference": against.difference if against else None,
            "difference_low": against.low if against else None,
            "difference_high": against.high if against else None,
        }


def _plain(cell: TableCell | None, best: str) -> str:
    if cell is None or cell.score is None:
        return "" if cell is None else cell.state
    score = best.format(formatting.score(cell)) if cell.best else formatting.score(cell)
    return f"{score} [{formatting.interval(cell)}]" if cell.interval else score
