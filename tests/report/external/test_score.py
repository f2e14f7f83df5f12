"""Scores of external predictions: our own runs' come back to the last digit, rivals are tested in pairs."""

import pytest

from emonet_bench import report, score_predictions
from emonet_bench.errors import ConfigError, CorpusError, StoreError
from emonet_bench.library import prediction_template
from emonet_bench.metrics.significance import holm
from emonet_bench.plugins.loading import Selection
from emonet_bench.report.checking.verification import verify
from tests.report.external.conftest import add_runs, joined


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


KINDS = [("folds5-votes", "plurality_uar"), ("folds5-labels", "macro_f1"), ("folds5-values", "ccc")]


@pytest.fixture
def told(told_folder):
    return Selection(names=("builtins",), places={"told": told_folder})


@pytest.mark.parametrize(("protocol", "default"), KINDS)
def test_our_own_predictions_of_other_targets_score_the_same_to_the_last_digit(
    protocol, default, open_told, told, tmp_path
):
    runs = add_runs(tmp_path / "results", open_told(protocol))
    scored = score_predictions(
        joined(runs, tmp_path), "told", protocol, name="out", plugins=told, results=tmp_path / "kept"
    )
    assert (scored.metric, scored.clips, scored.recall) == (default, 40, {})
    assert len(scored.scores) >= 2
    for metric, value in scored.scores.items():
        own, kept = the_cell(runs, metric), the_cell(tmp_path / "kept", metric)
        assert (own.score, own.interval) == (value, scored.intervals.get(metric))
        assert (kept.score, kept.interval, kept.external) == (value, scored.intervals.get(metric), True)
    assert [verify(path).problems for path in sorted((tmp_path / "kept").glob("*-external-*"))] == [[]] * 5


@pytest.mark.parametrize(("protocol", "default"), KINDS)
def test_rivals_of_other_targets_are_tested_by_the_default_metric(protocol, default, open_told, told, tmp_path):
    runs = add_runs(tmp_path / "results", open_told(protocol))
    file = joined(runs, tmp_path)
    add_runs(runs, open_told(protocol), architecture="other", seed=7)
    scored = score_predictions(file, "told", protocol, plugins=told, against=runs)
    assert {rival.column.architecture for rival in scored.rivals} == {"net", "other"}
    for rival in scored.rivals:
        assert rival.comparison.difference == pytest.approx(scored.scores[default] - rival.score)


def test_values_beyond_their_scale_are_counted(open_told, told, tmp_path):
    opened = open_told("folds5-values")
    file = tmp_path / "far.csv"
    rows = [f"{clip.name},{8 if n < 3 else 4},{-2 if n == 0 else 0}" for n, clip in enumerate(opened.utterances)]
    file.write_text("\n".join(["utterance,arousal,valence", *rows]))
    assert score_predictions(file, "told", "folds5-values", plugins=told).outside == 4


def test_a_metric_of_another_kind_is_one_line_with_one_that_fits(open_told, told, tmp_path):
    file = joined(add_runs(tmp_path / "results", open_told("folds5-values")), tmp_path)
    with pytest.raises(ConfigError, match="--metric map is a metric of label sets, not of values; --metric ccc fits"):
        score_predictions(file, "told", "folds5-values", plugins=told, metric="map")
    with pytest.raises(ConfigError, match="--metric ccc:arousl: there is no 'arousl'; did you mean 'arousal'"):
        score_predictions(file, "told", "folds5-values", plugins=told, metric="ccc:arousl")


def test_what_is_tuned_on_dev_is_the_reports_of_the_run_to_the_last_digit(open_told, told, tmp_path):
    opened = open_told("folds5-labels")
    runs = add_runs(tmp_path / "results", opened)
    own = the_cell(runs, "tuned_macro_f1")
    assert own.score != the_cell(runs, "macro_f1").score
    tables = [path.read_text().splitlines() for path in sorted(runs.glob("*/predictions.csv"))]
    file = tmp_path / "all.csv"
    file.write_text("\n".join([tables[0][0], *(line for lines in tables for line in lines[1:])]))
    options = {"protocol": "folds5-labels", "metric": "tuned_macro_f1", "plugins": told}
    scored = score_predictions(file, "told", **options, name="out", results=tmp_path / "kept", against=runs)
    assert (scored.scores["tuned_macro_f1"], scored.intervals["tuned_macro_f1"]) == (own.score, own.interval)
    assert scored.rivals[0].comparison.difference == 0
    assert the_cell(tmp_path / "kept", "tuned_macro_f1").score == own.score
    assert [verify(path).problems for path in sorted((tmp_path / "kept").glob("*-external-*"))] == [[]] * 5


def test_thresholds_are_sought_on_dev_alone(open_told, told, tmp_path):
    file = joined(add_runs(tmp_path / "results", open_told("folds5-labels")), tmp_path)
    options = {"protocol": "folds5-labels", "plugins": told}
    with pytest.raises(
        ConfigError, match=r"--metric tuned_macro_f1: tunes on dev, and .* has no rows of dev; --template"
    ):
        score_predictions(file, "told", **options, metric="tuned_macro_f1")
    kept = score_predictions(file, "told", **options, results=tmp_path / "kept", name="out")
    assert "tuned_macro_f1" not in kept.scores
    table = report.summarise(report.load(tmp_path / "kept"), "tuned_macro_f1")
    ((_, _, cell),) = table.cells()
    assert (cell.state, cell.score) == ("skipped", None)
    assert "tuned_macro_f1 tunes on dev, and there are predictions of test alone" in table.problems[0]


def test_the_template_asks_for_dev_where_a_metric_tunes_on_it(open_told, told):
    text = prediction_template("told", "folds5-labels", metric="tuned_macro_f1", plugins=told)
    rows = [line.split(",") for line in text.splitlines()]
    assert rows[0][:4] == ["utterance", "partition", "fold", "file"]
    assert [row[1] for row in rows[1:]] == ["test"] * 40 + ["dev"] * 40
    opened = open_told("folds5-labels")
    assert {(row[0], int(row[2])) for row in rows[1:] if row[1] == "dev"} == {
        (opened.utterances[i].name, fold) for fold in opened.folds for i in opened.divide(fold)["dev"]
    }


def test_dev_rows_are_covered_like_test_rows(open_told, told, tmp_path):
    runs = add_runs(tmp_path / "results", open_told("folds5-labels"))
    tables = [path.read_text().splitlines() for path in sorted(runs.glob("*/predictions.csv"))]
    lines = [line for table in tables for line in table[1:]]
    dev = [line for line in lines if ",dev," in line]
    file = tmp_path / "less.csv"
    file.write_text("\n".join([tables[0][0], *(line for line in lines if line != dev[3])]))
    with pytest.raises(CorpusError, match="no prediction of 1 of 40 dev clips, first"):
        score_predictions(file, "told", "folds5-labels", plugins=told, metric="tuned_macro_f1")
