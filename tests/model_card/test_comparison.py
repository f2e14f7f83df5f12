"""Comparison of two files: paired where clips can be drawn, and only on the same clips."""

from dataclasses import replace

import numpy as np
import pytest

from emonet_bench.errors import ConfigError
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.model_card.comparison import compare_measured, render_comparison


def test_a_file_against_itself_differs_in_nothing(measured):
    found, *_ = measured
    comparison = compare_measured(found, found)
    assert all(one.first == one.second for one in comparison.pairs)
    assert all(one.change.difference == 0 and one.change.p == 1 for one in comparison.pairs if one.change)
    paired = [one.what for one in comparison.pairs if one.change]
    assert paired == ["UAR", *(f"UAR, {one.name}" for one in found.card.robustness.conditions), "UAR, language en"]
    assert {"accuracy", "recall of calm", "mean probability, silence", "peak memory, MiB"} <= {
        one.what for one in comparison.pairs
    }


def test_a_difference_is_that_of_the_scores(measured):
    found, *_ = measured
    calm = dict.fromkeys(found.predicted, ["calm"] * len(found.changed.truth))
    comparison = compare_measured(found, replace(found, predicted=calm))
    pair = next(one for one in comparison.pairs if one.what == "UAR, gain, 10 dB")
    expected = unweighted_average_recall(found.changed.truth, found.predicted["gain, 10 dB"], found.changed.labels)
    assert pair.change.difference == pytest.approx(expected - 0.5)
    assert "UAR, gain, 10 dB" in render_comparison(comparison)


def test_groups_are_compared_on_their_own_clips(measured):
    found, *_ = measured
    calm = replace(found.scored, probabilities=np.tile([1.0, 0.0], (len(found.scored.truth), 1)))
    members = {**found.members, "gender": {"female": np.arange(12), "male": np.arange(12, 15)}}
    comparison = compare_measured(replace(found, members=members), replace(found, scored=calm))
    pairs = {one.what: one for one in comparison.pairs}
    truth, predicted = found.scored.truth[:12], found.scored.predicted[:12]
    expected = unweighted_average_recall(truth, predicted, found.scored.labels)
    assert (pairs["UAR, gender female"].first, pairs["UAR, gender female"].second) == (expected, 0.5)
    assert pairs["UAR, gender female"].change.difference == pytest.approx(expected - 0.5)
    assert "UAR, gender male" not in pairs  # three clips


def test_other_clips_are_refused_in_one_line(measured):
    found, *_ = measured
    fewer = replace(found, scored=replace(found.scored, clips=found.scored.clips.spread(4)))
    with pytest.raises(ConfigError, match=r"--against: m\.onnx and m\.onnx .* other clips"):
        compare_measured(found, fewer)
