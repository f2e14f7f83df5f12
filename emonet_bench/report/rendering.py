"""A table as rich text, Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import HORIZONTALS
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from emonet_bench.report.cells import Cell, Score
from emonet_bench.report.layout import Head, lay
from emonet_bench.report.notes import TITLES
from emonet_bench.report.table import DIMENSIONS, Row, Table

_TO = "\N{EN DASH}"
_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\^{}", "\\": r"\textbackslash{}"}
)


def render_rich(table: Table) -> RenderableType:
    """Render for a terminal: a row for each corpus where the columns fit its width, else a line for each cell.

    The table's problems are left to the caller, who can print them unwrapped.
    """
    return _Fitting(table)


class _Fitting:
    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = _wide(self.table)
        fits = Measurement.get(console, options.update(width=10_000), wide).maximum <= options.max_width
        yield wide if fits else _long(self.table)
        for line in self.table.notes:
            yield Text(line, style="dim")


def _grid(**options: Any) -> RichTable:
    return RichTable(box=HORIZONTALS, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", **options)


def _wide(table: Table) -> RichTable:
    heads, rows = lay(table)
    costs = table.axes[1] == DIMENSIONS[1:]  # each column is one way to get a network
    grid = _grid(title=_title(table), title_justify="left", show_footer=costs)
    grid.add_column(", ".join(table.axes[0]), footer=Text("trained\nparameters\ns per run", style="dim"), no_wrap=True)
    for i, head in enumerate(heads):
        cost = Text(_cost([cells[i] for _, cells in rows]), style="dim")
        text = "\n".join(_words(head)).replace(", ", "\n")
        grid.add_column(Text(text), justify="right", footer=cost, no_wrap=True)
    varied = len({cell.seeds for _, _, cell in table.cells() if cell.seeds}) > 1
    for head, cells in rows:
        grid.add_row(_name(head, table.metric), *(_text(cell, seeds=varied) for cell in cells))
        grid.add_section()
    return grid


def _name(head: Head, metric: Score) -> Text:
    text = Text("\n").join(Text(part.corpus if isinstance(part, Row) else part) for part in head)
    for row in head:
        if isinstance(row, Row):
            text.append("".join(f"\n{line}" for line in _details(row, metric)), style="dim")
            text.append(f"\naudit: {row.audit}" if row.audit else "", style="red" if row.audit == "leaking" else "dim")
    return text


def _words(head: Head) -> list[str]:
    return [f"{part.title}, {part.subtitle}" if isinstance(part, Row) else part for part in head]


def _details(row: Row, metric: Score) -> list[str]:
    return [
        *(["synthetic"] if row.synthetic else []),
        row.subtitle,
        *([f"{row.folds} folds"] if row.folds > 1 else []),
        *([f"{row.clips} clips"] if row.clips else []),
        *([f"chance {_number(row.chance, 2)}"] if row.labels and metric == "uar" else []),
    ]


def _text(cell: Cell | None, *, seeds: bool) -> Text:
    if cell is None:
        return Text("")
    if cell.score is None:
        return _state(cell)
    text = Text(_score(cell), style="bold green" if cell.best else "")
    if cell.interval:
        text.append(f"\n{_interval(cell)}", style="dim not bold")
    if cell.spread is not None:
        text.append(f"\nfolds ±{_number(cell.spread, 2)}", style="dim not bold")
    if seeds:
        text.append(f"\n{cell.seeds} seed{'s' * (cell.seeds > 1)}", style="dim not bold")
    if cell.failed:
        text.append(f"\n{cell.failed} failed", style="red not bold")
    return text


def _state(cell: Cell) -> Text:
    return Text(cell.state, style="red" if cell.state == "failed" else "yellow")


def _cost(cells: Sequence[Cell | None]) -> str:
    shown = [cell for cell in cells if cell]
    numbers = [_mean(getattr(cell, name) for cell in shown) for name in ("trainable", "total", "seconds")]
    return "\n".join(map(_count, numbers))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _long(table: Table) -> RichTable:
    """Return a line for each cell, below a line for its row."""
    grid = _grid(title=_title(table), title_justify="left")
    grid.add_column("", overflow="fold")
    for name in (TITLES[table.metric], "95 %", "seeds", "trained", "total", "s/run"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in table.rows:
        grid.add_section()
        facts = [*_details(row, table.metric), *([f"audit: {row.audit}"] if row.audit else [])]
        grid.add_row(Text(row.corpus, style="bold").append(f"\n{', '.join(facts)}", style="dim not bold"))
        for column in table.columns:
            if column in row.cells:
                grid.add_row(Text(f"  {column}"), *_figures(row.cells[column]))
    return grid


def _figures(cell: Cell) -> list[Text | str]:
    if cell.score is None:
        return [_state(cell)]
    score = Text(_score(cell), style="bold green" if cell.best else "")
    if cell.failed:
        score.append(f" {cell.failed} failed", style="red not bold")
    return [score, _interval(cell), str(cell.seeds), *map(_count, (cell.trainable, cell.total, cell.seconds))]


def render_markdown(table: Table) -> str:
    """Render as a Markdown table with its notes; the best cell of each row is bold."""
    heads, rows = lay(table)
    lines = [
        _markdown([", ".join(table.axes[0]), *(" ".join(_words(head)) for head in heads)]),
        _markdown(["---", *["--:"] * len(heads)]),
        *(_markdown([" ".join(_words(head)), *(_plain(cell, "**{}**") for cell in cells)]) for head, cells in rows),
    ]
    notes = [note.replace("*", "\\*") for note in (*table.notes, *table.problems)]
    return "\n".join([*lines, "", "  \n".join(notes)]) + "\n"


def _markdown(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def render_latex(table: Table) -> str:
    r"""Render as a LaTeX ``tabular`` for ``\usepackage{booktabs}``; the best cell of each row is bold."""
    heads, rows = lay(table)
    first = ", ".join(table.axes[0]).capitalize()
    head = " & ".join([first, *(" ".join(_words(head)).translate(_LATEX) for head in heads)])
    lines = [
        *(f"% {note}" for note in (*table.notes, *table.problems)),
        rf"\begin{{tabular}}{{l{'r' * len(heads)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
    ]
    for line, cells in rows:
        name = " ".join(_words(line)).translate(_LATEX)
        lines.append(rf"{' & '.join([name, *map(_latex, cells)])} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex(cell: Cell | None) -> str:
    if cell is None or cell.score is None:
        return "" if cell is None else cell.state
    score = _score(cell).replace("±", r"$\pm$").replace("*", "$^{*}$").replace("~", r"$^{\sim}$")
    interval = rf" {{\scriptsize [{_interval(cell).replace(_TO, '--')}]}}" if cell.interval else ""
    return (rf"\textbf{{{score}}}" if cell.best else score) + interval


def render_csv(table: Table) -> str:
    """Render one line for each cell, at full precision."""
    lines = list(_records(table))
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(lines[0]) if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return stream.getvalue()


def render_json(table: Table) -> str:
    """Render all cells at full precision, and the notes."""
    content = {
        "metric": table.metric,
        "baseline": table.baseline,
        "cells": list(_records(table)),
        "notes": table.notes,
        "problems": table.problems,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _records(table: Table) -> Iterable[dict[str, Any]]:
    for row, column, cell in table.cells():
        place = {name: value for name, value in vars(row).items() if name != "cells"}
        values = {name: value for name, value in vars(cell).items() if name not in {"interval", "against", "scores"}}
        span, against = cell.interval, cell.against
        yield {
            **place,
            "chance_level": row.chance,
            **asdict(column),
            "metric": table.metric,
            **values,
            "low": span.low if span else None,
            "high": span.high if span else None,
            "unit": span.unit if span else None,
            "units": span.units if span else None,
            "difference": against.difference if against else None,
            "difference_low": against.low if against else None,
            "difference_high": against.high if against else None,
        }


def _title(table: Table) -> str:
    return f"{TITLES[table.metric]} on test"


def _plain(cell: Cell | None, best: str) -> str:
    if cell is None or cell.score is None:
        return "" if cell is None else cell.state
    score = best.format(_score(cell)) if cell.best else _score(cell)
    return f"{score} [{_interval(cell)}]" if cell.interval else score


def _score(cell: Cell) -> str:
    assert cell.score is not None
    spread = "" if cell.deviation is None else f" ±{_number(cell.deviation)}"
    return f"{'' if cell.complete else '~'}{_number(cell.score)}{spread}{'*' if cell.significant else ''}"


def _interval(cell: Cell) -> str:
    return f"{_number(cell.interval.low, 2)}{_TO}{_number(cell.interval.high, 2)}" if cell.interval else ""


def _number(value: float, digits: int = 3) -> str:
    """Write a score as papers do: ``.812``."""
    return f"{value:.{digits}f}".removeprefix("0")


def _count(number: float | None) -> str:
    """Write a count: ``317 k``."""
    if number is None:
        return ""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"
