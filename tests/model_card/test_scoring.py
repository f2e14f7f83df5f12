"""Scores come through the deployed file, in the order of the clips."""

import numpy as np
import pytest

from emonet_bench.metrics.significance import uar_interval
from emonet_bench.model_card.scoring import Scored, change_of, probabilities, uar_of
from tests.oracles import RATE, clips_of, predictor, pulses, tones, write_model


@pytest.fixture
def scored(tmp_path):
    corpus = tones(
        tmp_path, lambda speaker, label, number: pulses(0.7 if label == "angry" or number == 0 else 0.3, 0.2)
    )
    return Scored.of(predictor(write_model(tmp_path / "m.onnx", "sign", 0.0)), clips_of(corpus, tmp_path / "cache"))


def test_predictions_and_their_uar(scored):
    assert set(scored.predicted) == {"calm", "angry"}
    assert scored.uar().value == pytest.approx((1 + 7 / 8) / 2)
    span = uar_interval(scored.truth, scored.predicted, scored.labels, scored.speakers)
    assert (scored.uar().low, scored.uar().high) == (span.low, span.high)
    assert [scored.labels[target] for target in scored.targets] == scored.truth


def test_a_change_is_paired(scored):
    worse = ["calm"] * len(scored.truth)
    found = change_of(scored, worse, scored.predicted)
    assert found.difference == pytest.approx(uar_of(scored, worse).value - scored.uar().value)
    assert found.high < 0


def test_stereo_is_averaged(tmp_path):
    model = predictor(write_model(tmp_path / "m.onnx", "level", 0.1))
    mono, half = probabilities(
        model, [pulses(0.5, 0.1), np.stack([pulses(0.5, 0.2), np.zeros(9600, np.float32)])], RATE
    )
    np.testing.assert_allclose(mono, half, atol=1e-3)
