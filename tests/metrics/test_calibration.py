"""Calibration error, held against a naive loop over the bins."""

import numpy as np
import pytest

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.calibration import calibration_error, expected_calibration_error


def test_the_calibration_error_agrees_with_a_naive_loop():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), 500)
    truth = generator.integers(0, 4, 500)
    confidence, guess = probabilities.max(1), probabilities.argmax(1)
    expected = 0.0
    for lower in np.arange(15) / 15:
        inside = (confidence > lower) & (confidence <= lower + 1 / 15)
        if inside.any():
            expected += inside.mean() * abs((guess == truth)[inside].mean() - confidence[inside].mean())
    assert expected_calibration_error(truth, probabilities) == pytest.approx(expected)
    assert expected_calibration_error([0, 1], np.eye(2)) == 0.0


def test_over_and_under_confidence_count_alike_and_do_not_cancel_across_bins():
    assert calibration_error([0.9, 0.9], [True, False]) == pytest.approx(0.4)
    assert calibration_error([0.55, 0.95], [True, False]) == pytest.approx((0.45 + 0.95) / 2)
    assert calibration_error([0.55, 0.95], [True, False], bins=1) == pytest.approx(0.25)


def test_the_confidence_of_the_predicted_label_is_all_that_counts():
    generator = np.random.default_rng(1)
    probabilities, truth = generator.dirichlet(np.ones(3), 200), generator.integers(0, 3, 200)
    right = probabilities.argmax(1) == truth
    assert expected_calibration_error(truth, probabilities, 10) == calibration_error(probabilities.max(1), right, 10)


def test_a_confidence_on_the_border_of_two_bins_counts_in_the_lower_one():
    assert calibration_error([0.5, 0.6], [True, False], bins=2) == pytest.approx((0.5 + 0.6) / 2)


def test_certain_and_impossible_predictions_have_a_bin():
    assert calibration_error([1.0, 0.0], [True, False]) == 0
    assert calibration_error([0.0], [True]) == 1


@pytest.mark.parametrize(
    ("confidence", "right", "message"),
    [
        ([], [], "cannot score 0 predictions"),
        ([0.5], [True, False], "cannot score 1 predictions of 2 true labels"),
        ([0.5, np.nan], [True, True], "not between 0 and 1"),
        ([3.2], [True], "give softmax's, not logits"),
    ],
)
def test_what_cannot_be_scored_is_one_line(confidence, right, message):
    with pytest.raises(CorpusError, match=message):
        calibration_error(confidence, right)
    with pytest.raises(CorpusError, match=message):
        expected_calibration_error(np.zeros(len(right), int), np.reshape(confidence, (-1, 1)))
