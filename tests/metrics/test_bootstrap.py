"""The bootstrap over speakers, against scipy's and against what a mean's interval must be."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from emonet_bench.metrics.bootstrap import Statistic, resampled


def mean(sums):
    return sums[:, 0] / sums[:, 1]


def test_the_interval_of_a_mean_over_clips_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=80)
    found = Statistic.of(np.c_[values, np.ones(80)], [None] * 80, mean)
    theirs = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1).confidence_interval
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_speakers_come_with_all_of_their_clips():
    speakers, values = ["a"] * 3 + ["b"] * 5, [1.0] * 3 + [0.0] * 5
    found = resampled(np.c_[values, np.ones(8)], speakers)
    assert {tuple(row) for row in found} == {(6, 6), (3, 8), (0, 10)}
