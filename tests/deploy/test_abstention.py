"""Abstention: the label is ``uncertain`` below the threshold of the file, where that is asked for."""

import pickle

import numpy as np
import pytest

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.abstention import UNCERTAIN, abstain_below, label_of
from emonet_bench.errors import ConfigError
from tests.oracles import RATE, pulses, write_model

CLIPS = [pulses(0.9, 0.2), pulses(0.55, 0.2)]


def test_a_predictor_abstains_when_it_is_asked_to(tmp_path):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0, 2.0, abstain_below="0.8")
    plain = [one.label for one in Predictor(model, "cpu").predict_arrays(CLIPS, RATE)]
    careful = Predictor(model, "cpu", abstain=True)
    assert plain == ["angry", "angry"]
    for one in (careful, pickle.loads(pickle.dumps(careful))):
        found = list(one.predict_arrays(CLIPS, RATE))
        assert [each.label for each in found] == ["angry", UNCERTAIN]
        assert found[1].probabilities.sum() == pytest.approx(1)


def test_a_file_without_a_threshold_is_refused_when_it_is_asked(tmp_path):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0)
    with pytest.raises(ConfigError, match="--abstain-risk"):
        Predictor(model, "cpu", abstain=True)


@pytest.mark.parametrize("text", ["", "x", "nan", "-1", "1.5", "inf"])
def test_what_is_no_probability_is_no_threshold(text):
    with pytest.raises(ConfigError, match="abstain"):
        abstain_below({"abstain_below": text})


def test_a_probability_at_the_threshold_is_an_answer():
    row = np.array([0.25, 0.75], np.float32)
    assert label_of(["a", "b"], row, 0.75) == "b"
    assert label_of(["a", "b"], row, 0.7500001) == UNCERTAIN
