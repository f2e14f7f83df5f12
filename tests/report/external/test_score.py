"""Scores of external predictions: our own runs' come back to the last digit, rivals are tested in pairs."""

import pytest

from emonet_bench import report, score_predictions
from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.metrics.significance import holm
from tests.report.external.conftest import add_runs


def the_cell(results, metric="uar"):
    ((_, _, cell),) = report.summarise(report.load(results), metric).cells()
    return cell


def test_our_own_predictions_score_what_the_report_shows_to_the_last_digit(runs, together, selection):
    scored = score_predictions(together, "theirs", "folds5", plugins=selection)
    for metric in ("uar", "accuracy", "macro_f1", "weighted_f1", "kappa"):
        cell = the_cell(runs, metric)
        assert (scored.scores[metric], scored.intervals[metric]) == (cell.score, cell.interval)
    assert scored.scores["ece"] == the_cell(runs).ece
    assert (scored.clips, scored.folds) == (40, 5)


def test_the_scores_are_scikit_learns(together, opened, selection):
    metrics = pytest.importorskip("sklearn.metrics")
    scored = score_predictions(together, "theirs", plugins=selection)
    lines = [line.split(",") for line in together.read_text().splitlines()[1:]]
    truth, guess = [line[3] for line in lines], [line[4] for line in lines]
    assert scored.scores["uar"] == pytest.approx(metrics.balanced_accuracy_score(truth, guess))
    assert scored.scores["macro_f1"] == pytest.approx(metrics.f1_score(truth, guess, average="macro"))
    assert scored.scores["accuracy"] == pytest.approx(metrics.accuracy_score(truth, guess))
    each = metrics.recall_score(truth, guess, labels=opened.corpus.labels, average=None)
    assert list(scored.recall.values()) == pytest.approx(list(each))


def test_labels_alone_have_no_calibration_error(tmp_path, opened, selection):
    file = tmp_path / "labels.csv"
    file.write_text("\n".join(["utterance,label", *(f"{clip.name},{clip.label}" for clip in opened.utterances)]))
    scored = score_predictions(file, "theirs", plugins=selection)
    assert scored.scores == dict.fromkeys(("uar", "accuracy", "macro_f1", "weighted_f1", "kappa"), 1)
    with pytest.raises(ConfigError, match="--metric ece needs probabilities, and there are labels only"):
        score_predictions(file, "theirs", plugins=selection, metric="ece")


def test_rivals_are_tested_in_pairs_over_all_of_their_seeds(runs, together, opened, selection):
    add_runs(runs, opened, seed=1)
    add_runs(runs, opened, architecture="other", seed=7)
    scored = score_predictions(together, "theirs", plugins=selection, against=runs)
    rivals = {rival.column.architecture: rival for rival in scored.rivals}
    assert (rivals["net"].seeds, rivals["other"].seeds) == (2, 1)
    for rival in scored.rivals:
        assert rival.comparison.difference == pytest.approx(scored.scores["uar"] - rival.score)
    assert [rival.p for rival in scored.rivals] == holm([rival.comparison.p for rival in scored.rivals])
    assert [rival.score for rival in scored.rivals] == sorted((rival.score for rival in scored.rivals), reverse=True)


def test_a_run_of_one_fold_alone_is_not_compared(runs, together, selection):
    for path in sorted(runs.iterdir())[1:]:
        (path / "result.json").rename(path / "gone")
    with pytest.warns(RuntimeWarning, match="left out"):
        scored = score_predictions(together, "theirs", plugins=selection, against=runs)
    assert (scored.rivals, [column.architecture for column in scored.not_compared]) == ((), ["net"])


def test_results_of_another_protocol_are_nothing_to_compare_with(runs, together, selection, opened, tmp_path):
    with pytest.raises(StoreError, match=r"--against .*: no run on theirs under loso with these clips and labels"):
        score_predictions(together, "theirs", "loso", plugins=selection, against=runs)
