"""A model's outputs are held against its labels, when it is opened and whenever it is run."""

import json
import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.model import open_model
from emonet_bench.errors import AudioError, ConfigError
from tests.exported import LABELS, export_listener

RATE = 16_000
CLIP = np.linspace(-0.5, 0.5, 1_000, dtype=np.float32)


def constant(path, values, *, labels=LABELS, shape=("batch", 3), kind=TensorProto.FLOAT):
    """A model that gives these numbers for every clip."""
    table = onnx.numpy_helper.from_array(np.array([values], np.float32), "table")
    nodes = [
        helper.make_node("Shape", ["lengths"], ["batch"]),
        helper.make_node("Constant", [], ["one"], value=onnx.numpy_helper.from_array(np.array([1]))),
        helper.make_node("Concat", ["batch", "one"], ["repeats"], axis=0),
        helper.make_node("Tile", ["table", "repeats"], ["tiled"]),
        helper.make_node("Cast", ["tiled"], ["probabilities"], to=kind),
    ]
    inputs = [
        helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["batch", "samples"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT64, ["batch"]),
    ]
    outputs = [helper.make_tensor_value_info("probabilities", kind, list(shape))]
    graph = helper.make_graph(nodes, "constant", inputs, outputs, [table])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    said = {"schema_version": "1", "sampling_rate": str(RATE), "labels": json.dumps(labels)}
    helper.set_model_props(model, said)
    onnx.save(model, path)
    return path


def test_a_model_of_the_labels_width_is_taken(tmp_path):
    (one,) = Predictor(constant(tmp_path / "m.onnx", [0.1, 0.7, 0.2]), "cpu").predict_arrays([CLIP], RATE)
    assert one.label == "joy"


@pytest.mark.parametrize("values", [[np.nan] * 3, [np.inf, 0, 0], [0.1, np.nan, 0.2], [5, 1, 2], [0, 0, 0]])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_numbers_that_are_no_probabilities_are_an_error_for_each_clip(tmp_path, values, batch_size):
    predictor = Predictor(constant(tmp_path / "m.onnx", values), "cpu")
    errors = []
    found = list(predictor.predict_arrays([CLIP, CLIP], RATE, batch_size=batch_size, failed=errors.append))
    assert found == []
    assert [str(error).partition(":")[0] for error in errors] == ["array 0", "array 1"]
    assert all("the model gives no probabilities (" in str(error) for error in errors)
    with pytest.raises(AudioError, match="the model gives no probabilities"):
        predictor.stream(0.01).push(CLIP)


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ([0.5, 0.5], {"shape": ("batch", 2)}),
        ([0.25] * 4, {"shape": ("batch", 4)}),
        ([0.1, 0.7, 0.2], {"shape": (3,)}),
        ([0.1, 0.7, 0.2], {"kind": TensorProto.DOUBLE}),
    ],
)
def test_outputs_that_are_not_the_labels_are_refused_when_the_file_is_opened(tmp_path, values, changes):
    with pytest.raises(ConfigError, match=r"m\.onnx: (gives probabilities .* for 3 labels|not an ONNX file)"):
        Predictor(constant(tmp_path / "m.onnx", values, **changes), "cpu")


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.25] * 4])
def test_a_width_that_the_file_leaves_open_is_held_when_it_runs(tmp_path, values):
    predictor = Predictor(constant(tmp_path / "m.onnx", values, shape=("batch", "labels")), "cpu")
    with pytest.raises(ConfigError, match=f"the model gives {len(values)} probabilities for 3 labels"):
        list(predictor.predict_arrays([CLIP], RATE))


@pytest.mark.parametrize(
    "labels", [["joy"], ["joy", "joy", "anger"], ["joy", "", "anger"], ["joy", 3, "anger"], [["joy"], "a", "b"], []]
)
def test_labels_that_are_none_are_refused(tmp_path, labels):
    with pytest.raises(ConfigError, match="its metadata is damaged"):
        open_model(constant(tmp_path / "m.onnx", [0.1, 0.7, 0.2], labels=labels), "cpu")


@pytest.mark.parametrize("rate", ["1", "999", "1000000000"])
def test_a_rate_that_no_audio_has_is_refused(tmp_path, rate):
    file = export_listener(tmp_path / "m.onnx", sampling_rate=rate)
    with pytest.raises(ConfigError, match="its metadata is damaged"):
        open_model(file, "cpu")


@pytest.mark.skipif(os.name == "nt", reason="no pipes in folders there")
def test_a_pipe_is_no_model(tmp_path):
    os.mkfifo(tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match=r"m\.onnx is no regular file"):
        open_model(tmp_path / "m.onnx", "cpu")


@pytest.mark.parametrize("path", ["/", ".", ".."])
def test_a_path_without_a_name_of_its_own_is_no_model(path):
    with pytest.raises(ConfigError, match=r"^model: \S+ is no regular file; give a file$"):
        Predictor(path, "cpu")
