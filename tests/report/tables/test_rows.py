"""Rows and columns: what is one row, one column, and which of several runs counts."""

from dataclasses import replace

import pytest

from emonet_bench import report
from emonet_bench.report.choice import UAR_CHOICE
from emonet_bench.report.tables.cells import pool_runs
from emonet_bench.report.tables.rows import Column, describe, fullest, latest
from emonet_bench.runs.facts import CorpusFacts
from tests.written import clips


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
