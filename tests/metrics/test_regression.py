"""Regression metrics against audmetric, SciPy and scikit-learn."""

import audmetric
import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.regression import (
    concordance_correlation,
    mean_absolute_error,
    pearson_correlation,
    root_mean_squared_error,
)

ALL = (concordance_correlation, pearson_correlation, mean_absolute_error, root_mean_squared_error)


@pytest.mark.parametrize("seed", range(5))
def test_they_agree_with_other_peoples_on_random_values(seed):
    random = np.random.default_rng(seed)
    truth = random.normal(3, 1, 50)
    prediction = truth * random.uniform(-1, 2) + random.normal(size=50)
    assert concordance_correlation(truth, prediction) == pytest.approx(audmetric.concordance_cc(truth, prediction))
    assert pearson_correlation(truth, prediction) == pytest.approx(scipy.stats.pearsonr(truth, prediction).statistic)
    assert mean_absolute_error(truth, prediction) == pytest.approx(
        sklearn.metrics.mean_absolute_error(truth, prediction)
    )
    expected = sklearn.metrics.root_mean_squared_error(truth, prediction)
    assert root_mean_squared_error(truth, prediction) == pytest.approx(expected)


def test_the_mean_over_batches_is_another_number_so_it_is_never_taken():
    truth, prediction = np.arange(8.0), np.array([0.0, 1, 2, 3, 0, 1, 2, 3])
    halves = np.mean([concordance_correlation(truth[half], prediction[half]) for half in (slice(4), slice(4, 8))])
    assert halves != pytest.approx(concordance_correlation(truth, prediction), abs=0.1)


def test_a_constant_prediction_has_no_correlation():
    assert concordance_correlation([1.0, 2.0], [1.5, 1.5]) == 0
    assert pearson_correlation([1.0, 2.0], [1.5, 1.5]) == 0
    assert concordance_correlation([2.0, 2.0], [2.0, 2.0]) == 1


@pytest.mark.parametrize("metric", ALL)
def test_clips_that_nobody_rated_are_left_out(metric):
    assert metric([1.0, np.nan, 2.0, 4.0], [1.0, 9.0, 3.0, 3.5]) == metric([1.0, 2.0, 4.0], [1.0, 3.0, 3.5])


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([1.0], [1.0, 2.0], "give one for each"),
        ([], [], "no true value"),
        ([np.nan], [1.0], "no true value"),
        ([1.0, 2.0], [1.0, np.nan], "not finite"),
    ],
)
def test_what_cannot_be_scored_is_one_line(metric, truth, prediction, message):
    with pytest.raises(CorpusError, match=message):
        metric(truth, prediction)


def test_a_constant_whose_mean_is_rounded_has_no_correlation():
    constant = np.full(80, 5.1)
    assert np.mean(constant) != constant[0]
    assert pearson_correlation(constant, np.full(80, 3.3)) == 0
