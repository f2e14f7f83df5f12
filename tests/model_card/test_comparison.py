"""Comparison of two files: paired where clips can be drawn, and only on the same clips."""

from dataclasses import replace

import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.model_card.comparison import compare_measured, render_comparison


def test_a_file_against_itself_differs_in_nothing(measured):
    found, *_ = measured
    comparison = compare_measured(found, found)
    assert all(one.first == one.second for one in comparison.pairs)
    assert all(one.change.difference == 0 and one.change.p == 1 for one in comparison.pairs if one.change)
    assert len([one for one in comparison.pairs if one.change]) == 1 + len(found.card.robustness.conditions)


def test_a_difference_is_that_of_the_scores(measured):
    found, *_ = measured
    calm = dict.fromkeys(found.predicted, ["calm"] * len(found.changed.truth))
    comparison = compare_measured(found, replace(found, predicted=calm))
    pair = next(one for one in comparison.pairs if one.what == "UAR, gain, 10 dB")
    expected = unweighted_average_recall(found.changed.truth, found.predicted["gain, 10 dB"], found.changed.labels)
    assert pair.change.difference == pytest.approx(expected - 0.5)
    assert "UAR, gain, 10 dB" in render_comparison(comparison)


def test_other_clips_are_refused_in_one_line(measured):
    found, *_ = measured
    fewer = replace(found, scored=replace(found.scored, clips=found.scored.clips.spread(4)))
    with pytest.raises(ConfigError, match=r"--against: m\.onnx and m\.onnx .* other clips"):
        compare_measured(found, fewer)
