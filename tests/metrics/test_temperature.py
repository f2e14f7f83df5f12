"""Temperature scaling: a temperature that was put in is found, and what is calibrated is left alone."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from emonet_bench.metrics.calibration import expected_calibration_error
from emonet_bench.metrics.temperature import (
    brier_statistic,
    calibration_of,
    cross_fitted,
    ece_statistic,
    fit_temperature,
    tempered,
)


def calibrated(count=2000, labels=4, seed=0):
    """Probabilities, and truth that was drawn by them."""
    generator = np.random.default_rng(seed)
    probabilities = tempered(generator.dirichlet(np.ones(labels), count), 0.7)
    targets = np.array([generator.choice(labels, p=row) for row in probabilities])
    return targets, probabilities, [f"s{index % 10}" for index in range(count)]


def test_a_temperature_that_was_put_in_is_found():
    targets, probabilities, _ = calibrated()
    assert fit_temperature(targets, tempered(probabilities, 1 / 2.5)) == pytest.approx(2.5, rel=0.08)
    assert fit_temperature(targets, probabilities) == pytest.approx(1, rel=0.08)


def test_the_fitted_temperature_has_the_least_log_loss():
    targets, probabilities, _ = calibrated(300)
    best = fit_temperature(targets, probabilities)
    least = log_loss(targets, tempered(probabilities, best), labels=range(4))
    for other in (0.9 * best, 1.1 * best, 0.5, 2.0):
        assert least < log_loss(targets, tempered(probabilities, other), labels=range(4))


def test_an_overconfident_model_is_mended():
    targets, probabilities, speakers = calibrated()
    found = calibration_of(targets, tempered(probabilities, 1 / 3), speakers)
    assert found.helps
    assert found.temperature == pytest.approx(3, rel=0.1)
    assert found.after.value < found.before.value / 3


@pytest.mark.parametrize("seed", range(6))
def test_a_calibrated_model_is_left_alone(seed):
    assert not calibration_of(*calibrated(400, seed=seed)).helps


def test_the_error_is_that_of_the_reference():
    targets, probabilities, speakers = calibrated(500)
    found = ece_statistic(targets, probabilities, speakers)
    assert found.value == pytest.approx(expected_calibration_error(targets, probabilities))
    assert found.low < found.high


def test_the_brier_score_is_the_mean_squared_distance():
    targets, probabilities, speakers = calibrated(200)
    expected = np.mean([np.sum((row - np.eye(4)[t]) ** 2) for row, t in zip(probabilities, targets, strict=True)])
    assert brier_statistic(targets, probabilities, speakers).value == pytest.approx(expected)


def test_no_speaker_is_tempered_with_what_was_fitted_on_that_speaker():
    targets, probabilities, _ = calibrated(200)
    speakers = ["a" if index < 100 else "b" for index in range(200)]
    found = cross_fitted(targets, probabilities, speakers)
    expected = tempered(probabilities[:100], fit_temperature(targets[100:], probabilities[100:]))
    np.testing.assert_allclose(found[:100], expected)


def test_tempering_changes_no_prediction_and_takes_zeros():
    rows = np.array([[1.0, 0.0], [0.3, 0.7]])
    assert np.isfinite(tempered(rows, 5)).all()
    np.testing.assert_array_equal(tempered(rows, 5).argmax(axis=1), rows.argmax(axis=1))
    np.testing.assert_allclose(tempered(rows, 1.0), rows, atol=1e-9)
