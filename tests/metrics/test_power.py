"""Power: a difference of the size that is stated is found as often as is stated, by the very test that tables use."""

import numpy as np
import pytest

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import UAR
from emonet_bench.metrics.power import detectable_difference
from emonet_bench.metrics.significance import compare

LABELS = ("a", "b")
SPEAKERS, CLIPS = 24, 20


def experiment(generator, gain):
    """Speakers differ in how well a system does on them; another system is better on all of them by a gain."""
    truth = np.tile([0, 1], SPEAKERS * CLIPS // 2)
    speakers = np.repeat(np.arange(SPEAKERS), CLIPS)
    level = generator.normal(0.6, 0.08, SPEAKERS)
    other = level + gain + generator.normal(0, 0.05, SPEAKERS)
    one_hot = []
    for accuracy in (other, level):
        hit = generator.random(len(truth)) < accuracy[speakers].clip(0, 1)
        one_hot.append(np.eye(2)[np.where(hit, truth, 1 - truth)])
    return compare(truth, *one_hot, MetricChoice(UAR), LABELS, speakers.tolist(), resamples=500)


def share_found(gain, experiments=300):
    generator = np.random.default_rng(7)
    found = [experiment(generator, gain) for _ in range(experiments)]
    return np.mean([one.p < 0.05 for one in found]), found


def test_a_difference_of_the_stated_size_is_found_in_the_stated_share_of_experiments():
    _, pilot = share_found(0.0, 60)
    for power in (0.5, 0.8):
        sizes = [detectable_difference(one.low, one.high, one.units, power=power) for one in pilot]
        assert share_found(float(np.median(sizes)))[0] == pytest.approx(power, abs=0.09)


def test_more_comparisons_need_larger_differences():
    sizes = [detectable_difference(0.0, 0.1, 40, tests=tests) for tests in (1, 6, 36)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] < 2 * sizes[0]


@pytest.mark.parametrize(("units", "tests", "possible"), [(5, 1, False), (6, 1, True), (10, 24, True), (8, 24, False)])
def test_with_too_few_speakers_no_difference_could_be_found(units, tests, possible):
    assert (detectable_difference(0.0, 0.1, units, tests=tests) is not None) == possible


def test_the_difference_that_was_seen_does_not_enter_it():
    assert detectable_difference(-0.1, 0.1, 20) == pytest.approx(detectable_difference(0.2, 0.4, 20))
