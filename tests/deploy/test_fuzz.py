"""Spoilt ONNX files: each is refused in one line, or scores audio, whatever was changed in it."""

import json
import random

import numpy as np
import onnx
import pytest

from emonet_bench.deploy import Predictor
from emonet_bench.errors import AudioError, ConfigError
from tests.exported import export_cnn

RATE = 16_000
TRIALS = 60
CLIPS = [0.1 * np.random.default_rng(0).standard_normal(samples).astype(np.float32) for samples in (1, 777, 9_000)]
VALUES = ["", "0", "-1", "nan", "inf", "1e999", "[]", "{}", "null", '["a"]', '[["a"]]', '{"a": 1}', "\x00", "9" * 400]


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return export_cnn(tmp_path_factory.mktemp("model") / "model.onnx").read_bytes()


def outcome(path):
    """Return the line by which a file or its scores are refused, or None where there are scores."""
    try:
        found = list(Predictor(path, "cpu", threads=1).predict_arrays(CLIPS, RATE))
    except (AudioError, ConfigError) as error:
        return str(error)
    assert len(found) == len(CLIPS)
    for one in found:
        assert one.probabilities.sum() == pytest.approx(1, abs=0.01)
    return None


def check_lines(lines):
    assert any(lines)
    assert all(line is None or (line and "\n" not in line) for line in lines)


def test_metadata_of_any_kind_is_one_line_or_read(tmp_path, content):
    chance = random.Random(0)
    path, lines = tmp_path / "model.onnx", []
    for _ in range(TRIALS):
        model = onnx.load_model_from_string(content)
        said = {entry.key: entry.value for entry in model.metadata_props}
        for name in chance.sample(["labels", "sampling_rate", "window", "hop", "schema_version"], 2):
            text = said.get(name, "")
            said[name] = chance.choice([*VALUES, text[1:], text + text, json.dumps(text)])
        del model.metadata_props[:]
        onnx.helper.set_model_props(model, said)
        path.write_bytes(model.SerializeToString())
        lines.append(outcome(path))
    check_lines(lines)


def test_weights_of_any_value_are_one_line_or_score(tmp_path, content):
    chance = random.Random(1)
    path, lines = tmp_path / "model.onnx", []
    for _ in range(20):
        model = onnx.load_model_from_string(content)
        tensor = chance.choice([one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT])
        array = onnx.numpy_helper.to_array(tensor).copy()
        array.flat[chance.randrange(array.size)] = chance.choice([np.nan, np.inf, 3e38, -1e30])
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
        path.write_bytes(model.SerializeToString())
        lines.append(outcome(path))
    check_lines(lines)


def test_files_that_are_cut_or_spoilt_anywhere_are_one_line_or_score(tmp_path, content):
    chance = random.Random(2)
    path, lines = tmp_path / "model.onnx", []
    for number in range(TRIALS):
        spoilt = bytearray(content)
        place = chance.randrange(len(spoilt))
        if number % 3 == 0:
            del spoilt[place:]
        elif number % 3 == 1:
            spoilt[place : place + 8] = chance.randbytes(8)
        else:
            del spoilt[place : place + chance.randrange(1, 100)]
        path.write_bytes(spoilt)
        lines.append(outcome(path))
    check_lines(lines)
