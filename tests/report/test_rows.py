"""Rows and columns: what is one row, one column, and which of several runs counts."""

from dataclasses import replace

import pytest

from emonet_bench import report
from emonet_bench.report.cells import pool_runs
from emonet_bench.report.choice import UAR_CHOICE
from emonet_bench.report.rows import Column, columns_of, describe, fullest, latest
from emonet_bench.runs.facts import CorpusFacts
from tests.written import Results, clips


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results")


def test_option_sets_of_one_architecture_are_separate_columns_named_by_what_varies(results):
    results.add(options={"width": 8, "depth": 2})
    results.add(options={"width": 16, "depth": 2})
    results.add(options={"width": 16, "depth": 2}, training={"epochs": 5})
    results.add(architecture="rnn", options={"depth": 1})
    table = report.summarise(report.load(results.folder))
    assert [str(column) for column in table.columns] == [
        "cnn scratch width=16, epochs=2", "cnn scratch width=16, epochs=5", "cnn scratch width=8, epochs=2", "rnn scratch",
    ]  # fmt: skip


def test_options_of_a_loss_make_columns_also_where_one_run_has_the_defaults(results):
    results.add(training={"loss": "focal"}, right=0.4)
    results.add(training={"loss": "focal", "loss_options": {"gamma": 1.0, "alpha": 0.25}})
    results.add(training={"loss": "focal", "augment": ["mixup"], "augmentation_options": {"mixup": {"alpha": 1.0}}})
    table = report.summarise(report.load(results.folder))
    assert {str(column) for column in table.columns} == {
        "cnn scratch augment=default, augmentation.mixup.alpha=default, loss.alpha=default, loss.gamma=default",
        "cnn scratch augment=default, augmentation.mixup.alpha=default, loss.alpha=0.25, loss.gamma=1.0",
        "cnn scratch augment=['mixup'], augmentation.mixup.alpha=1.0, loss.alpha=default, loss.gamma=default",
    }
    assert [cell.seeds for _, _, cell in table.cells()] == [1, 1, 1]


def test_seeds_that_start_from_different_sources_of_one_recipe_are_one_column(results):
    for seed in (0, 1):
        source = f"{seed}b" * 8
        results.add(corpus="other", seed=seed, run_id=source)
        results.add(strategy="finetune", seed=seed, source=source)
    results.add(strategy="finetune", seed=0, source="ab" * 32)
    table = report.summarise(report.load(results.folder))
    cells = {str(column): cell.seeds for row, column, cell in table.cells() if row.corpus == "emo"}
    assert cells == {"cnn finetune source=scratch on other": 2, "cnn finetune source=abababab": 1}


def test_the_latest_of_two_runs_of_one_cell_counts(results):
    results.add(right=0.3, finished="2026-01-01T00:00:00Z")
    results.add(right=1.0, finished="2026-02-01T00:00:00Z")
    results.add(error="late", finished="2026-03-01T00:00:00Z")
    table = report.summarise(report.load(results.folder))
    ((_, _, cell),) = table.cells()
    assert (cell.score, cell.failed) == (1.0, 0)
    assert "2 older runs of the same cells are left out." in table.notes


def test_columns_stand_by_architecture_with_the_baseline_first():
    columns = [Column("rnn", "a"), Column("cnn", "a"), Column("rnn", "scratch"), Column("cnn", "b")]
    ordered = sorted(columns, key=lambda column: column.order("scratch"))
    assert [str(column) for column in ordered] == ["cnn a", "cnn b", "rnn scratch", "rnn a"]


def test_a_failed_run_never_replaces_a_finished_one_however_late_it_is(results):
    results.add(finished="2026-01-01T00:00:00Z")
    (done,) = report.load(results.folder)
    failed = replace(done, run_id="f" * 16, state="failed", finished="2027-01-01T00:00:00Z")
    assert latest([failed, done], lambda record: (record.corpus,)) == [done]
    other = replace(failed, seed=1)
    assert latest([done, other], lambda record: (record.corpus,)) == [other, done]


def test_a_limit_on_the_clips_makes_rows_and_no_column(results):
    results.add(training={"limit": None})
    results.add(training={"limit": 20})
    assert set(columns_of(report.load(results.folder)).values()) == {Column("cnn", "scratch")}


def test_the_facts_that_say_most_are_chosen():
    full = CorpusFacts(labels=["a"], fingerprint="f" * 16)
    assert fullest([CorpusFacts(labels=["b"]), full, CorpusFacts()]) is full
    assert fullest([]) == CorpusFacts()


def test_a_row_counts_its_clips_once_and_has_the_worst_audit(results):
    results.add(rows=clips(60), audit="warnings", synthetic=True)
    results.add(strategy="adapters", rows=clips(60), audit="leaking", synthetic=True)
    groups = {
        Column(run.architecture, run.strategy): pool_runs([run], UAR_CHOICE) for run in report.load(results.folder)
    }
    row = describe(groups, {})
    assert (row.clips, row.speakers, row.folds, row.audit) == (60, 8, 1, "leaking")
    assert (row.title, row.subtitle, row.chance) == ("emo (synthetic)", "fixed", pytest.approx(1 / 3))
