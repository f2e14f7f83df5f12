"""Multilabel metrics against scikit-learn, and thresholds against trying every one."""

import numpy as np
import pytest
import sklearn.metrics

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.multilabel import decisions, mean_average_precision, multilabel_macro_f1, tuned_thresholds


def random_tables(seed, clips=40, labels=4):
    random = np.random.default_rng(seed)
    truth = random.random((clips, labels)) < 0.4
    return truth, np.clip(truth * 0.3 + random.random((clips, labels)) * 0.7, 0, 1).round(2)  # with ties


@pytest.mark.parametrize("seed", range(5))
def test_they_agree_with_scikit_learn(seed):
    truth, scores = random_tables(seed)
    at_quarter = sklearn.metrics.f1_score(truth, scores > 0.25, average="macro", zero_division=0)
    assert multilabel_macro_f1(truth, scores) == pytest.approx(at_quarter)
    at_half = sklearn.metrics.f1_score(truth, scores > 0.5, average="macro", zero_division=0)
    assert multilabel_macro_f1(truth, scores, 0.5) == pytest.approx(at_half)
    expected = sklearn.metrics.average_precision_score(truth, scores, average="macro")
    assert mean_average_precision(truth, scores) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_is_better_than_a_tuned_one(seed):
    truth, scores = random_tables(seed)
    tuned = tuned_thresholds(truth, scores)
    for k, threshold in enumerate(tuned):
        own, given = truth[:, k], scores[:, k]
        tried = [sklearn.metrics.f1_score(own, given > t, zero_division=0) for t in np.linspace(-0.01, 1, 203)]
        assert sklearn.metrics.f1_score(own, given > threshold) == pytest.approx(max(tried))


def test_a_label_that_is_never_true_is_never_predicted_and_counts_nothing():
    truth, scores = np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.9], [0.1, 0.2]])
    thresholds = tuned_thresholds(truth, scores)
    assert thresholds[1] == np.inf
    assert multilabel_macro_f1(truth, scores, thresholds) == 0.5
    assert mean_average_precision(truth, scores) == 1


@pytest.mark.parametrize(
    ("truth", "scores", "message"),
    [
        ([[1, 0]], [[0.5]], "clips x labels"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "clips x labels"),
        ([[1, 0]], [[0.5, np.nan]], "not finite"),
    ],
)
def test_what_cannot_be_scored_is_one_line(truth, scores, message):
    for metric in (multilabel_macro_f1, mean_average_precision, tuned_thresholds):
        with pytest.raises(CorpusError, match=message):
            metric(truth, scores)


def test_precision_needs_a_true_label():
    with pytest.raises(CorpusError, match="no label is true"):
        mean_average_precision([[0, 0]], [[0.1, 0.2]])


def test_decisions_are_those_of_thresholds_that_are_best_on_dev():
    draw = np.random.default_rng(4)
    scores = draw.random((2, 60, 3)).round(2)
    truth = scores + draw.normal(0, 0.3, scores.shape) > [0.3, 0.5, 0.8]
    given, thresholds = decisions(truth[0], scores[0], scores[1]), tuned_thresholds(truth[0], scores[0])
    for k in range(3):
        tried = [
            sklearn.metrics.f1_score(truth[0][:, k], scores[0][:, k] > value, zero_division=0)
            for value in np.arange(-0.005, 1, 0.01)
        ]
        assert sklearn.metrics.f1_score(truth[0][:, k], scores[0][:, k] > thresholds[k]) == max(tried)
        assert given[:, k].tolist() == (scores[1][:, k] > thresholds[k]).tolist()


def test_thresholds_of_many_clips_are_those_of_trying_each():
    draw = np.random.default_rng(5)
    scores = draw.random((300, 1)).round(2)
    truth = scores + draw.normal(0, 0.4, scores.shape) > 0.6
    values = np.unique(scores)
    tried = {value: 2 * (truth & (scores >= value)).sum() / (truth.sum() + (scores >= value).sum()) for value in values}
    best = max(tried.values())
    highest = max(value for value, f1 in tried.items() if f1 == best)
    below = values[values < highest].max(initial=highest - 1)
    assert tuned_thresholds(truth, scores).tolist() == [(highest + below) / 2]
