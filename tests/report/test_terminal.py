"""Terminal table: it keeps to the width and shows what is there as it is."""

import pytest
from rich.console import Console

from emonet_bench import report
from tests.written import Results, clips


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results")


def text(table, width=80):
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(report.render_rich(table))
    return capture.get()


def table_of(results):
    return report.summarise(report.load(results.folder))


def test_seeds_are_counted_in_each_cell_where_they_differ(results):
    for seed in (0, 1, 2):
        results.add(seed=seed, right=0.7)
    results.add(strategy="adapters", right=0.7)
    shown = text(table_of(results))
    assert "3 seeds" in shown
    assert "1 seed\n" in shown.replace(" \n", "\n")
    assert "mean ± standard deviation over 1 to 3 seeds" in shown


def test_option_values_are_shown_as_they_are(results):
    results.add(options={"layers": "[bold]"})
    results.add(options={"layers": "[/]"})
    for width in (40, 80):
        assert {"layers=[bold]", "layers=[/]"} <= set(text(table_of(results), width).split())


@pytest.mark.parametrize("columns", [1, 5, 30])
def test_the_terminal_table_stays_within_its_width(results, columns):
    for number in range(columns):
        for seed in (0, 1):
            results.add(architecture=f"architecture{number}", seed=seed, right=0.7)
    shown = text(table_of(results))
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    assert all(f"architecture{number}" in shown for number in range(columns))


@pytest.mark.parametrize("width", [50, 80])  # a line for each cell, a row for each corpus
def test_a_failed_cell_and_failed_seeds_are_said_in_both_forms(results, width):
    results.add(right=0.7)
    results.add(seed=1, error="boom")
    results.add(architecture="recurrent", error="boom")
    lines = [line.strip() for line in text(table_of(results), width).splitlines()]
    assert any("1 failed" in line for line in lines)
    assert any(line.endswith("failed") and "1 failed" not in line for line in lines)


def test_a_narrow_zero_shot_map_has_a_line_for_each_source_and_target(results):
    for place, corpus in enumerate(("faraway-recordings", "neighbours-recordings")):
        there = {"corpus": corpus, "protocol": "fixed:two", "labels": {}}
        results.add(right=0.7, source="1" * 16, evaluate=there, seed=place)
    for width, headed in ((100, False), (55, True)):
        across = text(table_of(results), width).partition("Zero-shot")[2]
        assert ("95 %  chance" in across) == headed, "columns of its own"
        assert across.count(".33") == 2, "beside each target"


def test_the_audits_verdict_is_a_badge(results):
    results.add(right=0.7, audit="leaking")
    assert "audit: leaking" in text(table_of(results))


def test_the_spread_of_folds_and_their_number_stand_in_the_table(results):
    for fold, right in enumerate((0.0, 0.0, 1.0)):
        guess = [(*row[:3], row[2] if right else "joy") for row in clips(60, prefix=f"f{fold}-")]
        results.add(fold=fold, rows=guess)
    shown = text(table_of(results))
    assert "3 folds" in shown
    assert "folds ±.38" in shown  # of 1/3, 1/3 and 1
