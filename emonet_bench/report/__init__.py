"""Reports: read run directories, pool folds, average seeds, tell apart what differs, render a table."""

from emonet_bench.report.choice import wanted_metric
from emonet_bench.report.reading import CorpusResult, load, load_runs, skipped
from emonet_bench.report.rendering import render_csv, render_json, render_latex, render_markdown
from emonet_bench.report.tables.cells import TableCell
from emonet_bench.report.tables.layout import SORTS, arranged
from emonet_bench.report.tables.rows import Column, Row
from emonet_bench.report.tables.search import search_details
from emonet_bench.report.tables.table import Table, summarise
from emonet_bench.report.terminal import render_rich

__all__ = [
    "SORTS",
    "Column",
    "CorpusResult",
    "Row",
    "Table",
    "TableCell",
    "arranged",
    "load",
    "load_runs",
    "render_csv",
    "render_json",
    "render_latex",
    "render_markdown",
    "render_rich",
    "search_details",
    "skipped",
    "summarise",
    "wanted_metric",
]
