"""The kit for report formats: what is built in keeps the contracts, and planted faults are found."""

import itertools

import pytest

from emonet_bench.config import Options, option
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.report import render_markdown
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.report_formats import ReportBench, check_report
from emonet_bench.types import ReportFormat
from tests.testing.faults import broken

BUILT_IN = sorted(Plugins(Selection(names=("builtins",))).report_formats)


class Bare(Options):
    width: int = option(1, "")


def report(render, options=Options):
    return ReportFormat("mine", options, lambda table, _: render(table))


COUNT = itertools.count()
FAULTS = {
    "options without words": (report(render_markdown, Bare), "options-documented", "has no description"),
    "bytes": (report(lambda table: render_markdown(table).encode()), "text", "whole: it returned bytes"),
    "no empty table": (report(lambda table: str(table.rows[0])), "text", "IndexError"),
    "one row": (
        report(lambda table: str([row.corpus for row in table.rows[:1]])),
        "complete",
        "it did not name kit-two",
    ),
    "a counter": (report(lambda table: f"{render_markdown(table)}{next(COUNT)}"), "repeats", "two renderings"),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_format_keeps_its_contracts(name):
    check_report(name)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_explained(fault):
    made, section, seen = FAULTS[fault]
    message = broken(check_report, made)
    assert f"written:  {PAGE}#report-{section}" in message
    assert seen in message


def test_the_tables_have_scores_failures_and_nothing():
    with ReportBench(report(print), Options()).tables() as tables:
        found = {name: (len(table.rows), len(table.problems)) for name, table in tables.items()}
    assert found == {
        "whole": (2, 2),
        "failed": (2, 2),
        "empty": (0, 0),
        "values": (2, 0),
    }
