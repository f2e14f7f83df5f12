"""Tables of results as Markdown, LaTeX, CSV, JSON and a web page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emonet_bench.config import Options
from emonet_bench.types import ReportFormat

if TYPE_CHECKING:
    from emonet_bench.report import Table


def markdown(table: Table, _: Options) -> str:
    """Render as Markdown."""
    from emonet_bench.report import render_markdown  # noqa: PLC0415 - pandas

    return render_markdown(table)


def latex(table: Table, _: Options) -> str:
    """Render as LaTeX."""
    from emonet_bench.report import render_latex  # noqa: PLC0415 - pandas

    return render_latex(table)


def csv(table: Table, _: Options) -> str:
    """Render as CSV."""
    from emonet_bench.report import render_csv  # noqa: PLC0415 - pandas

    return render_csv(table)


def json(table: Table, _: Options) -> str:
    """Render as JSON."""
    from emonet_bench.report import render_json  # noqa: PLC0415 - pandas

    return render_json(table)


def html(table: Table, _: Options) -> str:
    """Render as a web page."""
    from emonet_bench.report.html import render_html  # noqa: PLC0415 - a template engine is for this format only

    return render_html(table)


REPORT_FORMATS = tuple(ReportFormat(render.__name__, Options, render) for render in (csv, html, json, latex, markdown))
