"""A client that knows nothing but the description gets the same probabilities from the file."""

import hashlib
import json
import math

import numpy as np
import onnx
import onnxruntime
import pytest
import soxr

from emonet_bench.deploy.description import Signal, decoded, describe, description_path
from emonet_bench.export.file import write_model
from tests.exported import LABELS, export_listener


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    file = export_listener(tmp_path_factory.mktemp("model") / "model.onnx", window=48_000)
    write_model(file, file.read_bytes())
    return file


@pytest.fixture(scope="module")
def told(model):
    return json.loads(description_path(model).read_text())


def heard(told, vector):
    """The waveform by the formula alone, a sample at a time, brought to the model's rate."""
    rate, signal = vector["sampling_rate"], told["test_signal"]
    waveform = [
        math.fsum(amplitude * math.sin(2 * math.pi * frequency * n / rate) for frequency, amplitude in signal["sines"])
        for n in range(round(signal["seconds"] * rate))
    ]
    wanted = told["input"]["sampling_rate"]
    return np.array(waveform if rate == wanted else soxr.resample(np.array(waveform), rate, wanted), np.float32)


def test_a_client_that_follows_it_gets_its_probabilities_at_both_rates(model, told):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    assert [vector["sampling_rate"] for vector in told["test_vectors"]] == [16_000, 8_000]
    for vector in told["test_vectors"]:
        waveform = heard(told, vector)
        assert 0.1 < np.abs(waveform).max() < 1
        feed = {"waveform": waveform[None], "lengths": np.array([len(waveform)])}
        (found,) = session.run(["probabilities"], feed)
        np.testing.assert_allclose(found[0], vector["probabilities"], atol=vector["tolerance"] / 5)


def test_it_says_everything_that_the_file_says(model, told):
    said = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    assert told["metadata"].keys() == said.keys()
    assert told["metadata"]["labels"] == told["labels"] == list(LABELS)
    assert told["metadata"]["packages"] == json.loads(said["packages"])
    assert told["metadata"]["uar"] == said["uar"]
    assert told["heard"] == {"window": 3.0, "hop": None, "words": "the centred 3.0 s of a clip"}
    assert told["sha256"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert told["inputs"] == [
        {"name": "waveform", "type": "float32", "shape": ["batch", "samples"]},
        {"name": "lengths", "type": "int64", "shape": ["batch"]},
    ]
    assert told["input"]["sampling_rate"] == 16_000


def test_it_is_read_with_the_eyes_too(model):
    lines = description_path(model).read_text().splitlines()
    assert "      [150.0, 0.04]," in lines
    assert max(map(len, lines)) < 250


def test_the_waveform_reaches_up_to_where_bad_resamplers_fail(told):
    highest = max(frequency for frequency, _ in told["test_signal"]["sines"])
    assert 3_400 < highest < 4_000


def test_a_model_of_a_low_rate_is_given_what_that_can_hold(tmp_path):
    assert Signal(1.0, [(10.0, 1.0)]).at(1_000).shape == (1_000,)
    file = export_listener(tmp_path / "model.onnx", sampling_rate="1000")
    told = json.loads(describe(file, "model.onnx"))
    assert [vector["sampling_rate"] for vector in told["test_vectors"]] == [1_000, 8_000]
    assert max(frequency for frequency, _ in told["test_signal"]["sines"]) < 500


def test_a_model_of_the_telephone_is_tried_with_a_wide_band_too(tmp_path):
    file = export_listener(tmp_path / "model.onnx", sampling_rate="8000")
    told = json.loads(describe(file, "model.onnx"))
    assert [vector["sampling_rate"] for vector in told["test_vectors"]] == [8_000, 16_000]


def test_text_that_only_looks_like_json_stays_text():
    assert decoded({"licence": "[see the site]", "labels": '["a"]', "uar": "0.5"}) == {
        "licence": "[see the site]",
        "labels": ["a"],
        "uar": "0.5",
    }
