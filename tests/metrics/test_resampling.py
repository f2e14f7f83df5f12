"""Resampling: what is drawn, and that each way to score draws is that of gathering the clips."""

import numpy as np
import pytest

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import CCC, UAR
from emonet_bench.metrics.resampling import draw_counts, sampler, units_of


def test_speakers_are_drawn_where_they_tell_clips_apart_else_clips():
    unit, groups, units = units_of(3, ["b", "a", "b"], None)
    assert (unit, groups.tolist(), units) == ("speakers", [0, 1, 0], 2)
    assert units_of(3, ["a", None, "b"], ["x", "y", "x"])[0::2] == ("clips", 2)
    assert units_of(3, ["a", "a", "a"], None)[0::2] == ("clips", 3)


def test_as_many_units_are_drawn_as_there_are():
    draws = draw_counts(7, 100, 0)
    assert draws.shape == (100, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert not np.array_equal(draws, draw_counts(7, 100, 1))


@pytest.mark.parametrize("metric", [UAR, CCC], ids=lambda metric: metric.name)
def test_a_draw_scores_what_its_clips_score(metric):
    draw = np.random.default_rng(0)
    groups = np.arange(60) % 6
    predicted = draw.random((60, 2))
    truth = draw.integers(2, size=60) if metric is UAR else predicted + draw.normal(size=(60, 2))
    score = sampler(truth, predicted, MetricChoice(metric), ("a", "b"), groups, 6)
    counts = np.array([[1, 1, 1, 1, 1, 1], [2, 0, 1, 0, 3, 0]], float)
    index = [
        np.concatenate([np.flatnonzero(groups == unit) for unit in range(6) for _ in range(int(row[unit]))])
        for row in counts
    ]
    expected = [MetricChoice(metric).score(truth[one], predicted[one], ("a", "b")) for one in index]
    assert score(counts) == pytest.approx(expected)
