"""Calibration of a file: an overconfident one is mended, a calibrated one left alone, and predictions never change."""

import numpy as np
import onnx
import onnxruntime
import pytest

from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.deploy import Predictor
from emonet_bench.deploy.verification import verify_model
from emonet_bench.errors import ExportError
from emonet_bench.export.temperature import calibrate, fold_temperature
from emonet_bench.metrics.temperature import tempered
from tests.oracles import RATE, clips_of, pulses, tones, write_model

TRUE = 1.5


def drawn(speaker, label, number):
    """A clip whose label was drawn with the probability that a model of the true steepness gives it."""
    generator = np.random.default_rng([ord(speaker), label == "angry", number])
    while True:
        sign = generator.uniform(-0.9, 0.9)
        if (generator.random() < 1 / (1 + np.exp(-2 * TRUE * sign))) == (label == "angry"):
            return pulses((1 + sign) / 2, 0.2, 0.3, seed=number)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return tones(tmp_path_factory.mktemp("tones"), drawn, count=60)


@pytest.fixture
def dev(corpus, tmp_path_factory):
    opened = open_corpus(corpus, None, RATE, tmp_path_factory.mktemp("cache"))
    return opened.clips(opened.divide(None)["dev"])


def test_a_miscalibrated_model_is_mended_and_says_the_same(tmp_path, corpus, dev):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0, 5 * TRUE)
    test = list(clips_of(corpus, tmp_path / "cache"))
    before = list(Predictor(model, "cpu").predict_arrays(test, RATE))
    result = calibrate(model, dev)
    assert result.folded
    assert result.found.temperature == pytest.approx(5, rel=0.2)
    after = list(Predictor(model, "cpu").predict_arrays(test, RATE))
    assert [one.label for one in after] == [one.label for one in before]
    expected = tempered([one.probabilities for one in before], result.found.temperature)
    np.testing.assert_allclose([one.probabilities for one in after], expected, atol=1e-5)
    told = Predictor(model, "cpu").metadata
    assert float(told["temperature"]) == result.found.temperature
    assert float(told["ece_dev_held_out"]) < float(told["ece_dev"])


def test_a_calibrated_model_is_left_alone(tmp_path, dev):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0, TRUE)
    nodes = len(onnx.load(model).graph.node)
    result = calibrate(model, dev)
    assert not result.folded
    assert len(onnx.load(model).graph.node) == nodes
    assert Predictor(model, "cpu").metadata["temperature"] == ""


def test_a_threshold_is_noted_in_file_and_description(tmp_path, dev):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0, TRUE)
    (tmp_path / "m.md").write_text("# A card\n")
    result = calibrate(model, dev, temperature=False, risk=0.15)
    predictor = Predictor(model, "cpu", abstain=True)
    clips = [dev.whole(index[None]).waveform[0].numpy() for index in dev.targets.new_tensor(range(len(dev)))]
    answers = [one.label for one in predictor.predict_arrays(clips, RATE)]
    truth = [dev.labels[target] for target in dev.targets.tolist()]
    answered = [(a, t) for a, t in zip(answers, truth, strict=True) if a != "uncertain"]
    assert 0 < len(answered) < len(truth)
    assert np.mean([a != t for a, t in answered]) <= 0.15
    assert verify_model(model).problems == ()
    assert repr(result.abstain_below) in (tmp_path / "m.json").read_text()
    assert "## Calibration" in (tmp_path / "m.md").read_text()


def test_a_risk_that_cannot_be_kept_is_one_line(tmp_path, dev):
    model = write_model(tmp_path / "m.onnx", "sign", 0.0, -TRUE)
    content = model.read_bytes()
    with pytest.raises(ExportError, match=r"--abstain-risk 0.01: even the most confident answers on dev are wrong"):
        calibrate(model, dev, risk=0.01)
    assert model.read_bytes() == content


def test_the_fold_divides_logits_and_all_that_follows(tmp_path):
    loaded = onnx.load(write_model(tmp_path / "m.onnx", "sign", 0.0, TRUE))
    plain = loaded.SerializeToString()
    fold_temperature(loaded, 2.0)
    onnx.checker.check_model(loaded)
    feed = {"waveform": pulses(0.7, 0.1)[None], "lengths": np.array([9600])}
    (before,), (after,) = (
        onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(["logits"], feed)
        for content in (plain, loaded.SerializeToString())
    )
    np.testing.assert_allclose(after, before / 2, rtol=1e-6)
