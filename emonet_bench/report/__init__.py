"""Reports: read run directories, pool folds, average seeds, tell apart what differs, render a table."""

from emonet_bench.report.cells import TableCell
from emonet_bench.report.choice import wanted_metric
from emonet_bench.report.layout import SORTS, arranged
from emonet_bench.report.reading import CorpusResult, load, load_runs, skipped
from emonet_bench.report.rendering import render_csv, render_json, render_latex, render_markdown
from emonet_bench.report.rows import Column, Row
from emonet_bench.report.table import Table, summarise
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
    "skipped",
    "summarise",
    "wanted_metric",
]
