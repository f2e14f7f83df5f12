"""Cells: folds pooled and scored once for each seed, seeds averaged, held against scikit-learn."""

import numpy as np
import pytest

from emonet_bench import report
from emonet_bench.report.choice import UAR_CHOICE
from emonet_bench.report.predictions import Predictions
from emonet_bench.report.tables.cells import confidence_error, pool_runs, score
from tests.report.tables.oracle import the_cell, uar
from tests.written import LABELS, clips


def test_folds_are_pooled_and_scored_once_and_seeds_are_averaged(results):
    scores = []
    for seed in (0, 1):
        folds = [clips(60, right=0.6, seed=10 * seed + fold, prefix=f"f{fold}-") for fold in (0, 1)]
        for fold, rows in enumerate(folds):
            results.add(seed=seed, fold=fold, rows=rows)
        scores.append(uar(folds[0] + folds[1]))
    cell = the_cell(results)
    assert cell.score == pytest.approx(np.mean(scores))
    assert cell.deviation == pytest.approx(np.std(scores, ddof=1))
    assert (cell.seeds, cell.folds, cell.complete) == (2, 2, True)
    assert cell.interval.low < cell.score < cell.interval.high
    assert (cell.interval.unit, cell.interval.units) == ("speakers", 8)


def test_a_fold_without_a_label_does_not_distort_the_pooled_score(results):
    results.add(fold=0, rows=[("a", "s1", "anger", "anger"), ("b", "s1", "joy", "joy")])
    results.add(fold=1, rows=[("c", "s2", "neutral", "neutral"), ("d", "s2", "joy", "anger")])
    assert the_cell(results).score == pytest.approx((1 + 0.5 + 1) / 3)


def test_a_single_seed_has_no_deviation_and_accuracy_can_be_asked_for(results):
    rows = [("a", "s1", "anger", "anger"), ("b", "s2", "anger", "anger"), ("c", "s1", "joy", "anger")]
    results.add(rows=rows)
    assert the_cell(results).deviation is None
    assert the_cell(results).score == pytest.approx(1 / 3)
    assert the_cell(results, metric="accuracy").score == pytest.approx(2 / 3)


def test_the_macro_f1_is_scored_as_scikit_learn_does(results):
    f1_score = pytest.importorskip("sklearn.metrics").f1_score
    rows = clips(right=0.6)
    results.add(rows=rows)
    truth, guess = [row[2] for row in rows], [row[3] for row in rows]
    cell = the_cell(results, metric="macro_f1")
    assert cell.score == pytest.approx(f1_score(truth, guess, labels=LABELS, average="macro"))
    assert cell.interval.low < cell.score < cell.interval.high


def test_the_spread_of_the_folds_stands_beside_the_pooled_score(results):
    folds = [clips(60, right=right, prefix=f"f{fold}-") for fold, right in enumerate((0.4, 0.5, 0.9))]
    for fold, rows in enumerate(folds):
        results.add(fold=fold, rows=rows)
    assert the_cell(results).spread == pytest.approx(np.std([uar(rows) for rows in folds], ddof=1))


def test_one_seed_is_compared_by_mcnemar_too(results):
    rows = clips(240, right=0.4)
    results.add(rows=rows)
    results.add(strategy="adapters", rows=[(*row[:3], row[2]) for row in rows])
    cells = {column.strategy: cell for _, column, cell in report.summarise(report.load(results.folder)).cells()}
    wrong = sum(row[2] != row[3] for row in rows)
    assert cells["adapters"].mcnemar == pytest.approx(2 ** (1 - wrong))
    results.add(seed=1, rows=rows)
    results.add(seed=1, strategy="adapters", rows=rows)
    cells = {column.strategy: cell for _, column, cell in report.summarise(report.load(results.folder)).cells()}
    assert cells["adapters"].mcnemar is None, "the clips of two seeds are the same clips"


def test_damaged_predictions_count_as_failed(results):
    results.add(right=0.8)
    (results.add(architecture="rnn") / "predictions.csv").unlink()
    (results.add(architecture="svm") / "predictions.csv").write_text("utterance,partition\na,test\n")
    path = results.add(architecture="tdnn", rows=[("a", "s", "anger", "boredem")])
    table = report.summarise(report.load(results.folder))
    assert {str(column): cell.state for _, column, cell in table.cells()} == {
        "cnn scratch": "done", "rnn scratch": "failed", "svm scratch": "failed", "tdnn scratch": "failed",
    }  # fmt: skip
    assert (
        f"failed: {path / 'predictions.csv'}: undeclared label 'boredem'; run emo tdnn scratch s0 again"
        in table.problems
    )


def test_a_lone_run_without_predictions_is_a_failed_cell(results):
    (results.add() / "predictions.csv").unlink()
    cell = the_cell(results)
    assert (cell.state, cell.failed, cell.score) == ("failed", 1, None)


def test_a_calibration_error_ranks_the_higher_the_smaller_it_is():
    ece, uar_choice = report.wanted_metric("ece"), report.wanted_metric("uar")
    assert ece.rank(0.1) > ece.rank(0.2)
    assert uar_choice.rank(0.1) < uar_choice.rank(0.2)


def test_the_calibration_error_is_scored_from_the_confidence_of_each_prediction():
    rows = Predictions(["a", "b"], [None, None], ["joy", "joy"], ["joy", "anger"], [0.8, 0.8])
    assert confidence_error(rows) == pytest.approx(0.3)  # 0.8 stated, half of them right
    assert score(rows, LABELS, report.wanted_metric("accuracy")) == 0.5


def test_cells_of_different_clips_are_not_compared(results):
    results.add(rows=clips(60, prefix="a"))
    results.add(strategy="adapters", rows=clips(60, prefix="b"))
    first, second = (pool_runs([run], UAR_CHOICE) for run in report.load(results.folder))
    assert first.against(second, LABELS, UAR_CHOICE) == {}
    assert first.against(first, LABELS, UAR_CHOICE)["against"].difference == 0


def test_a_missing_fold_makes_a_cell_incomplete(results):
    results.add(fold=0, rows=clips(30))
    runs = pool_runs(report.load(results.folder), UAR_CHOICE)
    assert runs.cell(LABELS, {0}, UAR_CHOICE).complete
    assert not runs.cell(LABELS, {0, 1}, UAR_CHOICE).complete
