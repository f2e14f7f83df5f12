"""Every format of a report, fed with text of strangers: names, labels, options, reasons, notes."""

import csv
import io
import json
import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from emonet_bench import escaping, report
from emonet_bench.console.terminal import Terminal
from emonet_bench.report.html import render_html
from tests.hostile import HOSTILE, obeyed
from tests.written import Results

RENDERERS = {
    "markdown": report.render_markdown,
    "latex": report.render_latex,
    "csv": report.render_csv,
    "json": report.render_json,
    "html": render_html,
}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    results = Results(tmp_path_factory.mktemp("hostile") / "results")
    results.add(seed=0, right=0.5)
    results.add(seed=0, strategy="finetune", right=0.9)
    results.add(strategy="broken", error="boom")
    there = {"corpus": "ravi", "protocol": "fixed:two", "labels": {}}
    results.add(evaluate=there, protocol_id="bbbb", right=0.4, source="1" * 16)
    return report.load(results.folder)


def hostile(records, text):
    """The records as a stranger would have written them."""
    return [
        replace(
            record,
            corpus=text,
            protocol=text,
            architecture=text,
            strategy=f"{text}{record.strategy}",
            variant={**record.variant, "source": text, "training.epochs": f"{text}{index % 2}"},
            reason=text if record.reason else "",
            halved=text,
            not_exported=text,
            trained_on=f"{text} {text}" if record.trained_on else "",
        )
        for index, record in enumerate(records)
    ]


def table_of(records, text):
    return report.summarise(hostile(records, text), baseline=f"{text}scratch")


@pytest.fixture(params=HOSTILE)
def text(request):
    return HOSTILE[request.param]


@pytest.fixture
def table(records, text):
    return table_of(records, text)


@pytest.mark.parametrize("name", RENDERERS)
def test_no_format_holds_what_a_terminal_obeys(table, name):
    assert obeyed(RENDERERS[name](table)) == []


@pytest.mark.parametrize("width", [40, 80, 400])
def test_the_terminal_shows_text_of_others_as_text(table, text, width):
    console = Terminal(width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(report.render_rich(table))
    shown = capture.get()
    assert obeyed(shown) == []
    if width == 400:
        assert escaping.printable(text).splitlines()[0][:20] in shown


def test_a_table_of_markdown_keeps_its_columns_and_holds_no_html(table):
    lines = report.render_markdown(table).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    columns = [len(re.findall(r"(?<!\\)\|", line.replace("\\\\", ""))) for line in rows]
    assert len(rows) >= 6
    assert len(set(columns[:3])) == 1
    assert not any("<" in line for line in lines)
    assert not any(line.startswith(("#", "```", "- ", "+ ")) for line in lines)


def test_latex_comments_end_with_their_line_and_rows_have_all_columns(table):
    lines = report.render_latex(table).splitlines()
    begun = lines.index(next(line for line in lines if line.startswith(r"\begin{tabular}")))
    assert all(line.startswith("% ") for line in lines[:begun])
    rows = [line for line in lines if line.endswith(r"\\")]
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in rows[:2]}) == 1
    assert not any(line.startswith(("[", "*")) for line in lines)
    assert "\\end{document}" not in "\n".join(line for line in lines if not line.startswith("%"))


def test_a_spreadsheet_computes_nothing_and_numbers_stay_numbers(table, text):
    rows = list(csv.DictReader(io.StringIO(report.render_csv(table))))
    assert len(rows) == 4
    for row in rows:
        assert row["corpus"].removeprefix("'") == escaping.one_line(text)
        for cell in row.values():
            assert cell.lstrip()[:1] not in ("=", "+", "-", "@") or math.isfinite(float(cell))
    assert {float(row["score"]) for row in rows if row["score"]}


def test_json_is_read_back_with_the_text_as_it_stood(table, text):
    content = json.loads(report.render_json(table))
    assert {cell["corpus"] for cell in content["cells"]} == {text}


def test_json_has_no_nan(records):
    table = report.summarise(records)
    row, column, cell = next(table.cells())
    odd = replace(row, cells={**row.cells, column: replace(cell, score=math.nan, seconds=math.inf)})
    written = report.render_json(replace(table, rows=(odd,)))
    assert "NaN" not in written
    assert "Infinity" not in written
    assert None in [one["score"] for one in json.loads(written)["cells"]]


class Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.within = [], [], None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.within = tag

    def handle_data(self, data):
        if self.within not in ("script", "style"):
            self.text.append(data)


def test_the_page_has_the_elements_of_a_harmless_one_and_shows_the_text(records, table, text):
    page, harmless = Page(render_html(table)), Page(render_html(table_of(records, "x")))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in harmless.tags]
    assert [sorted(attrs) for _, attrs in page.tags] == [sorted(attrs) for _, attrs in harmless.tags]
    assert escaping.printable(text).splitlines()[0] in "".join(page.text).replace("\r", "\n")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_sets_the_table(table, tmp_path):
    body = report.render_latex(table)
    source = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + body + "\\end{document}\n"
    (tmp_path / "table.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
