"""Terminal table: a row for each corpus where the columns fit the width, else a line for each cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.box import HORIZONTALS
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.report import formatting
from emonet_bench.report.tables.cells import TableCell
from emonet_bench.report.tables.layout import Head, pivot
from emonet_bench.report.tables.rows import Row
from emonet_bench.report.tables.table import DIMENSIONS, Table
from emonet_bench.report.tables.zero_shot import ZeroShot


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
        for one in self.table.zero_shot:
            across = _map(one, self.table.metric)
            fits = Measurement.get(console, options.update(width=10_000), across).maximum <= options.max_width
            yield across if fits else _crossed(one, self.table.metric)
        for line in self.table.notes:
            yield Text(line, style="dim")


def _grid(**options: Any) -> RichTable:
    return RichTable(box=HORIZONTALS, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", **options)


def _wide(table: Table) -> RichTable:
    heads, rows = pivot(table)
    costs = table.axes[1] == DIMENSIONS[1:]  # each column is one way to get a network
    grid = _grid(title=formatting.title(table), title_justify="left", show_footer=costs)
    grid.add_column(", ".join(table.axes[0]), footer=Text("trained\nparameters\ns per run", style="dim"), no_wrap=True)
    for i, head in enumerate(heads):
        cost = Text(_cost([cells[i] for _, cells in rows]), style="dim")
        text = "\n".join(formatting.words(head)).replace(", ", "\n")
        grid.add_column(Text(text), justify="right", footer=cost, no_wrap=True)
    varied = len({cell.seeds for _, _, cell in table.cells() if cell.seeds}) > 1
    for head, cells in rows:
        grid.add_row(_name(head, table.metric), *(_text(cell, seeds=varied) for cell in cells))
        grid.add_section()
    return grid


def _name(head: Head, metric: MetricChoice) -> Text:
    text = Text("\n").join(Text(part.corpus if isinstance(part, Row) else part) for part in head)
    for row in head:
        if isinstance(row, Row):
            text.append("".join(f"\n{line}" for line in _details(row, metric)), style="dim")
            text.append(f"\naudit: {row.audit}" if row.audit else "", style="red" if row.audit == "leaking" else "dim")
    return text


def _details(row: Row, metric: MetricChoice) -> list[str]:
    return [
        *(["synthetic"] if row.synthetic else []),
        row.subtitle,
        *([f"{row.folds} folds"] if row.folds > 1 else []),
        *([f"{row.clips} clips"] if row.clips else []),
        *([f"chance {formatting.number(row.chance, 2)}"] if row.labels and str(metric) == "uar" else []),
    ]


def _text(cell: TableCell | None, *, seeds: bool) -> Text:
    if cell is None:
        return Text("")
    if cell.score is None:
        return _state(cell)
    text = Text(formatting.score(cell), style="bold green" if cell.best else "")
    if cell.interval:
        text.append(f"\n{formatting.interval(cell)}", style="dim not bold")
    if cell.spread is not None:
        text.append(f"\nfolds ±{formatting.number(cell.spread, 2)}", style="dim not bold")
    if seeds:
        text.append(f"\n{cell.seeds} seed{'s' * (cell.seeds > 1)}", style="dim not bold")
    if cell.failed:
        text.append(f"\n{cell.failed} failed", style="red not bold")
    return text


def _state(cell: TableCell) -> Text:
    return Text(cell.state, style="red" if cell.state == "failed" else "yellow")


def _cost(cells: Sequence[TableCell | None]) -> str:
    shown = [cell for cell in cells if cell]
    numbers = [_mean(getattr(cell, name) for cell in shown) for name in ("trainable", "total", "seconds")]
    return "\n".join(map(formatting.count, numbers))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _long(table: Table) -> RichTable:
    """Return a line for each cell, below a line for its row."""
    grid = _grid(title=formatting.title(table), title_justify="left")
    grid.add_column("", overflow="fold")
    for name in (table.metric.title, "95 %", "seeds", "trained", "total", "s/run"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in table.rows:
        grid.add_section()
        facts = [*_details(row, table.metric), *([f"audit: {row.audit}"] if row.audit else [])]
        grid.add_row(Text(row.corpus, style="bold").append(f"\n{', '.join(facts)}", style="dim not bold"))
        for column in table.columns:
            if column in row.cells:
                grid.add_row(Text(f"  {column}"), *_figures(row.cells[column]))
    return grid


def _figures(cell: TableCell) -> list[Text | str]:
    if cell.score is None:
        return [_state(cell)]
    score = Text(formatting.score(cell), style="bold green" if cell.best else "")
    if cell.failed:
        score.append(f" {cell.failed} failed", style="red not bold")
    return [
        score,
        formatting.interval(cell),
        str(cell.seeds),
        *map(formatting.count, (cell.trainable, cell.total, cell.seconds)),
    ]


def _map(one: ZeroShot, metric: MetricChoice) -> RichTable:
    """Return a row for each source, a column for each target."""
    grid = _grid(title=f"Zero-shot {metric.title}: {one.title}", title_justify="left")
    grid.add_column("trained on \\ scored on", no_wrap=True)
    for row in one.targets:
        chance = f"\nchance {formatting.number(row.chance, 2)}" if str(metric) == "uar" and row.labels else ""
        head = Text(row.corpus).append(f"\n{one.protocol(row)}{chance}", style="dim not bold")
        grid.add_column(head, justify="right", no_wrap=True)
    for source, cells in one.lines():
        grid.add_row(source, *(_text(cell, seeds=False) for cell in cells))
    return grid


def _crossed(one: ZeroShot, metric: MetricChoice) -> RichTable:
    """Return a line for each source and target."""
    grid = _grid(title=f"Zero-shot {metric.title}: {one.title}", title_justify="left")
    for name in ("trained on", "scored on"):
        grid.add_column(name, overflow="fold")
    for name in (metric.title, "95 %", "chance", "seeds"):
        grid.add_column(name, justify="right", no_wrap=True)
    for source, cells in one.lines():
        grid.add_section()
        for row, cell in zip(one.targets, cells, strict=True):
            if cell is not None:
                target = Text(row.title).append(f" {one.protocol(row)}", style="dim")
                figures = _figures(cell)
                chance = formatting.number(row.chance, 2) if str(metric) == "uar" and row.labels else ""
                grid.add_row(source, target, *figures[:2], *[chance, str(cell.seeds)][: 2 * (len(figures) > 1)])
    return grid
