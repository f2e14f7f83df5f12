"""Calibration of a card: figures that netcal-like references give, and what a threshold of the file does on test."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from emonet_bench.metrics.calibration import expected_calibration_error
from emonet_bench.model_card.calibration import calibration
from emonet_bench.model_card.scoring import Scored
from tests.export.test_temperature import TRUE, drawn
from tests.oracles import clips_of, predictor, tones, write_model


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    corpus = tones(folder, drawn, count=40)
    return {part: clips_of(corpus, folder / "cache", part) for part in ("dev", "test")}


def measured(parts, tmp_path, steepness, **metadata):
    model = predictor(write_model(tmp_path / "m.onnx", "sign", 0.0, steepness, **metadata))
    test, dev = (Scored.of(model, parts[part]) for part in ("test", "dev"))
    return test, calibration(test, dev, model.metadata)


def test_error_and_brier_score_are_those_of_references(parts, tmp_path):
    scored, found = measured(parts, tmp_path, TRUE)
    assert found.ece.value == pytest.approx(expected_calibration_error(scored.targets, scored.probabilities))
    assert found.brier.value == pytest.approx(
        2 * brier_score_loss(scored.targets, scored.probabilities[:, 1]), abs=1e-6
    )


def test_an_overconfident_file_is_told_from_a_calibrated_one(parts, tmp_path):
    _, good = measured(parts, tmp_path, TRUE)
    _, bad = measured(parts, tmp_path, 6 * TRUE)
    assert not good.temperature.helps
    assert bad.temperature.helps
    assert bad.ece.low > good.ece.value


def test_bins_and_curve_hold_all_clips(parts, tmp_path):
    scored, found = measured(parts, tmp_path, TRUE)
    assert sum(one.clips for one in found.bins) == len(scored.clips)
    right = np.mean(scored.probabilities.argmax(axis=1) == scored.targets)
    assert sum(one.clips * one.accuracy for one in found.bins) / len(scored.clips) == pytest.approx(right)
    assert (found.curve[-1].coverage, found.curve[-1].risk) == (1, pytest.approx(1 - right))


def test_the_threshold_of_the_file_is_tried_on_test(parts, tmp_path):
    scored, found = measured(parts, tmp_path, TRUE, abstain_below="0.8", abstain_risk="0.1")
    confidence = scored.probabilities.max(axis=1)
    answered = confidence >= 0.8
    assert found.abstention.coverage == answered.mean()
    wrong = scored.probabilities.argmax(axis=1) != scored.targets
    assert found.abstention.risk == wrong[answered].mean()
    assert found.abstention.stated_risk == 0.1
    assert measured(parts, tmp_path, TRUE)[1].abstention is None
