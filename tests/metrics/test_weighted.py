"""Metrics of weighted clips: of every resample what the metric itself says of the clips that were drawn."""

import numpy as np
import pytest
from emonet_builtins.metrics import METRICS

from emonet_bench.errors import CorpusError
from emonet_bench.metrics import weighted
from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.significance import interval

NAMES = ("a", "b", "c")
PAIRS = [(metric, kind) for metric in METRICS for kind in metric.kinds if metric.weighted and kind != "label"]
IDS = [f"{metric.name}-{kind}" for metric, kind in PAIRS]


def some(kind, count=80):
    draw = np.random.default_rng(0)
    shares, guesses = draw.dirichlet([0.6] * 3, size=(2, count))
    if kind == "votes":
        votes = draw.multinomial(5, shares.mean(axis=0), size=count) / 5
        return votes, guesses
    if kind == "label-set":
        scores = draw.random((count, 3)).round(1)  # with ties
        return (scores + draw.normal(0, 0.3, scores.shape) > [0.4, 0.7, 1.2]).astype(float), scores
    values = draw.uniform(1, 7, (count, 3))
    return values, values + draw.normal(0, 1, values.shape)


def drawn(count, resamples):
    return np.random.default_rng(1).multinomial(count, np.full(count, 1 / count), size=resamples).astype(float)


@pytest.mark.parametrize(("metric", "kind"), PAIRS, ids=IDS)
def test_a_resample_scores_what_its_clips_score(metric, kind):
    truth, predicted = some(kind)
    weights = drawn(len(truth), 20)
    weights[0, :] = 0
    weights[0, 3] = 80  # a single clip
    found = metric.weighted(truth, predicted, weights)
    for row, said in zip(weights.astype(int), found, strict=True):
        index = np.repeat(np.arange(len(truth)), row)
        assert said == pytest.approx(metric.compute(truth[index], predicted[index]), abs=1e-12, nan_ok=True)


def test_average_precision_is_scikit_learns_with_weights():
    metrics = pytest.importorskip("sklearn.metrics")
    truth, scores = some("label-set")
    weights = drawn(len(truth), 5)
    found = weighted.average_precision(truth, scores, weights)
    for b, k in np.ndindex(found.shape):
        expected = metrics.average_precision_score(truth[:, k], scores[:, k], sample_weight=weights[b])
        assert found[b, k] == pytest.approx(expected)


def test_an_unknown_truth_weighs_nothing():
    truth, predicted = some("values")
    known = truth.copy()
    truth[::2, 1] = np.nan
    weights = drawn(len(truth), 4)
    found = weighted.concordance_correlation(truth, predicted, weights)
    weights[:, ::2] = 0
    other = weighted.concordance_correlation(known, predicted, weights)
    assert found[:, 1] == pytest.approx(other[:, 1])


def test_where_nothing_is_drawn_nothing_is_said():
    truth, predicted = some("values")
    assert np.isnan(weighted.mean_absolute_error(truth, predicted, np.zeros((2, len(truth))))).all()
    truth, scores = some("label-set")
    truth[:, 2] = 0
    assert (
        np.isnan(weighted.average_precision(truth, scores, drawn(len(truth), 3))).tolist() == [[False, False, True]] * 3
    )


def test_constants_are_constants_though_sums_are_rounded():
    truth, constant = np.full((50, 1), 0.1), np.full((50, 1), 0.3)
    weights = drawn(50, 3)
    assert weighted.concordance_correlation(truth, truth, weights).tolist() == [[1.0]] * 3
    assert weighted.concordance_correlation(truth, constant, weights).tolist() == [[0.0]] * 3
    assert weighted.pearson_correlation(truth, some("values", 50)[1][:, :1], weights).tolist() == [[0.0]] * 3


@pytest.mark.parametrize(("metric", "kind"), PAIRS, ids=IDS)
def test_the_interval_is_that_of_one_resample_after_the_other(metric, kind):
    truth, predicted = some(kind)
    speakers = [f"s{n % 7}" for n in range(len(truth))]
    choice = MetricChoice(metric)
    quick = interval(truth, predicted, choice, NAMES, speakers, resamples=200)
    slow = MetricChoice(type(metric)(**{**vars(metric), "weighted": None}))
    other = interval(truth, predicted, slow, NAMES, speakers, resamples=200)
    assert (quick.low, quick.high) == pytest.approx((other.low, other.high))


def test_a_part_that_no_resample_knows_has_no_number():
    truth, scores = some("label-set")
    truth[:, 2] = 0
    (metric,) = [one for one in METRICS if one.name == "map"]
    with pytest.raises(CorpusError):
        MetricChoice(metric, "c").score(truth, scores, NAMES)
