"""Abstention: the threshold keeps the risk that was asked for, with as many answers as possible."""

import numpy as np
import pytest

from emonet_bench.metrics.abstention import risk_coverage, threshold_for


def clips(count=400, seed=0):
    generator = np.random.default_rng(seed)
    confidence = generator.uniform(0.3, 1, count)
    return confidence, generator.random(count) < confidence


def test_the_curve_ends_with_all_answers_and_their_errors():
    confidence, right = clips()
    coverage, risk = risk_coverage(confidence, right)
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(np.mean(~right))
    for place in (10, 200):
        answered = confidence >= np.sort(confidence)[::-1][place]
        assert (coverage[place], risk[place]) == pytest.approx((answered.mean(), np.mean(~right[answered])))


@pytest.mark.parametrize("risk", [0.1, 0.2, 0.3])
def test_a_threshold_keeps_the_risk_and_no_lower_one_does(risk):
    confidence, right = clips()
    threshold = threshold_for(confidence, right, risk)
    answered = confidence >= threshold
    assert np.mean(~right[answered]) <= risk
    for lower in confidence[confidence < threshold]:
        assert np.mean(~right[confidence >= lower]) > risk


def test_nothing_is_refused_where_everything_may_be_answered_and_nothing_is_promised_that_cannot_be_kept():
    assert threshold_for([0.9, 0.5], [True, True], 0.1, least=2) == 0
    assert threshold_for([0.9, 0.5], [False, True], 0.1, least=1) is None


def test_a_handful_of_lucky_answers_is_no_threshold():
    confidence, right = np.linspace(1, 0.5, 100), np.arange(100) < 5
    assert threshold_for(confidence, right, 0.1) is None
    assert threshold_for(confidence, right, 0.1, least=5) is not None
