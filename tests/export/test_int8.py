"""An 8-bit variant is kept only where it still says the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime import quantization

from emonet_bench.deploy import Predictor
from emonet_bench.errors import ExportError
from emonet_bench.export import MOST_LOST, export, quantise, score_onnx
from emonet_bench.export.card import metadata_of
from tests.exported import LABELS, SIGNAL, listener, record
from tests.toys import toy_clips


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    export(listener(), "ours", path, SIGNAL, metadata_of(record(), SIGNAL))
    return path


@pytest.fixture(scope="module")
def calibration_clips(model):
    """Clips whose labels are what the float32 file says of them, so that its UAR is 1."""
    clips = toy_clips(60, LABELS)
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    said = [
        session.run(["logits"], {"waveform": whole.waveform.numpy(), "lengths": whole.lengths.numpy()})[0].argmax()
        for whole in (clips.whole(torch.tensor([index])) for index in range(60))
    ]
    return clips.__class__(**{**vars(clips), "targets": torch.tensor(said)})


@pytest.fixture(scope="module")
def variant(model, calibration_clips):
    target = model.with_suffix(".int8.onnx")
    return target, quantise(model, target, calibration_clips, calibration_clips)


def test_convolutions_are_in_eight_bits_for_each_channel(variant):
    graph = onnx.load(variant[0]).graph
    kernels = [tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8]
    assert kernels
    scales = {tensor.name: tensor for tensor in graph.initializer}
    widths = [scales[node.input[1]].dims for node in graph.node if node.op_type == "DequantizeLinear"]
    assert [6] in [list(dims) for dims in widths]  # a scale for each of the convolution's channels


def test_it_says_nearly_the_same_and_what_it_is(model, calibration_clips, variant):
    target, found = variant
    assert found.uar == (score_onnx(model, calibration_clips), score_onnx(target, calibration_clips))
    assert found.uar[1] >= found.uar[0] - max(
        MOST_LOST, 1 / int(calibration_clips.targets.bincount()[calibration_clips.targets.unique()].min())
    )
    assert found.bytes == (model.stat().st_size, target.stat().st_size)
    assert found.speed > 0
    predictor = Predictor(target, "cpu")
    assert predictor.metadata["quantisation"] == "int8"
    assert predictor.metadata["uar_onnx"] == repr(found.uar[1])
    assert predictor.labels == LABELS
    noise = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    (one,), (other,) = (Predictor(path, "cpu").predict_arrays([noise], 16_000) for path in (model, target))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.05)


def broken(model, variant, *_, **__):
    variant.write_bytes(model.read_bytes()[:-500])


def changed(model, variant, node):
    """Let a node with one constant, and its input, stand before the logits."""
    loaded = onnx.load(model)
    (last,) = (one for one in loaded.graph.node if "logits" in one.output)
    last.output[:] = ["inner"]
    for one in loaded.graph.node:
        one.input[:] = ["inner" if name == "logits" else name for name in one.input]
    kind, constant = node
    loaded.graph.initializer.append(onnx.numpy_helper.from_array(constant, "constant"))
    loaded.graph.node.append(onnx.helper.make_node(kind, ["inner", "constant"], ["logits"]))
    onnx.save(loaded, variant)


def unfit(model, variant, *_, **__):
    changed(model, variant, ("Reshape", np.array([7])))  # runs with no batch


def infinite(model, variant, *_, **__):
    changed(model, variant, ("Add", np.array([0, np.inf, 0], np.float32)))


def contrary(model, variant, *_, **__):
    changed(model, variant, ("Mul", np.float32(-1)))


def refusing(*_, **__):
    raise RuntimeError("no such operator\nsomewhere in Python")


@pytest.mark.parametrize(
    ("quantiser", "message"),
    [
        (broken, r"int8 is not kept: onnxruntime cannot load it \("),
        (unfit, r"int8 is not kept: onnxruntime cannot run it \("),
        (infinite, r"int8 is not kept: no finite logits for \[1\] samples$"),
        (contrary, r"int8 is not kept: its test UAR is 0\.000, that of float32 0\.\d+$"),
        (refusing, r"cannot be quantised \(no such operator\)"),
    ],
)
def test_a_variant_that_does_not_hold_is_not_kept_nor_is_an_older_one(
    model, calibration_clips, tmp_path, monkeypatch, quantiser, message
):
    monkeypatch.setattr(quantization, "quantize_static", quantiser)
    target = tmp_path / "model.int8.onnx"
    target.write_text("an older variant")
    with pytest.raises(ExportError, match=f"^--quantize: .*{message}") as caught:
        quantise(model, target, calibration_clips, calibration_clips)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_variant_that_cannot_be_written_is_one_line(model, calibration_clips, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(ExportError, match="taken: cannot be replaced"):
        quantise(model, tmp_path / "taken", calibration_clips, calibration_clips)
    with pytest.raises(ExportError, match=r"nowhere.int8\.onnx: cannot be written"):
        quantise(model, tmp_path / "nowhere" / "int8.onnx", calibration_clips, calibration_clips)


def test_a_file_without_convolutions_says_so_in_one_line(model, calibration_clips, tmp_path):
    bare = onnx.load(model)
    for node in bare.graph.node:
        node.op_type = "Other" if node.op_type == "Conv" else node.op_type
    onnx.save(bare, tmp_path / "bare.onnx")
    with pytest.raises(ExportError, match=r"bare\.onnx has no convolutions"):
        quantise(tmp_path / "bare.onnx", tmp_path / "int8.onnx", calibration_clips, calibration_clips)
    assert not (tmp_path / "int8.onnx").exists()
