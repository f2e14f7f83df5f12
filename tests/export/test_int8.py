"""An 8-bit variant is kept only where it still says the same."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime import quantization

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.description import description_path
from emonet_bench.deploy.verification import verify_model
from emonet_bench.errors import ExportError
from emonet_bench.export import MOST_LOST, export, quantise, score_onnx, unmasked_content
from emonet_bench.export.card import metadata_of
from emonet_bench.types import InputSpec
from tests.exported import LABELS, SIGNAL, listener, record, whole_cnn
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
    float32, int8 = found
    assert (float32.uar, int8.uar) == (score_onnx(model, calibration_clips), score_onnx(target, calibration_clips))
    assert int8.uar >= float32.uar - max(
        MOST_LOST, 1 / int(calibration_clips.targets.bincount()[calibration_clips.targets.unique()].min())
    )
    assert float32.bytes == model.stat().st_size
    assert int8.bytes == pytest.approx(target.stat().st_size, rel=0.1)  # the metadata comes later
    assert found.speed > 0
    predictor = Predictor(target, "cpu")
    assert predictor.metadata["quantisation"] == "int8"
    assert predictor.metadata["uar_onnx"] == predictor.metadata["uar"] == repr(int8.uar)
    low, high = json.loads(predictor.metadata["uar_interval"])
    assert low <= int8.uar <= high
    assert predictor.labels == LABELS
    noise = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    (one,), (other,) = (Predictor(path, "cpu").predict_arrays([noise], 16_000) for path in (model, target))
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.05)


def test_its_card_and_description_tell_its_own_truth(variant):
    target, found = variant
    card, told = target.with_suffix(".md").read_text(), json.loads(description_path(target).read_text())
    assert f"| int8 | {found.int8.uar:.3f} [" in card
    assert f"| float32 | {found.float32.uar:.3f} [" in card
    assert told["comparison"]["int8"]["uar"] == found.int8.uar
    assert told["comparison"]["float32"]["milliseconds"] == found.float32.milliseconds
    assert verify_model(target).problems == ()


def test_a_variant_of_the_unmasked_twin_takes_audio_alone(tmp_path, calibration_clips):
    clips = calibration_clips
    trained = whole_cnn()
    file, target = tmp_path / "model.onnx", tmp_path / "model.int8.onnx"
    spec = InputSpec(clips.sampling_rate)
    export(trained, "ours", file, spec, metadata_of(record(), spec))
    unmasked, _ = unmasked_content(trained, "ours", file, spec)
    found = quantise(file, target, clips, clips, unmasked)
    assert found.speed > 0
    predictor = Predictor(target, "cpu")
    assert not predictor.model.takes_lengths
    assert "every row full" in target.with_suffix(".md").read_text()
    audio = [clips.whole(torch.tensor([index])).waveform[0].numpy() for index in range(4)]
    rate = clips.sampling_rate
    exact = Predictor(file, "cpu").predict_arrays(audio, rate, logits=True)
    for one, other in zip(predictor.predict_arrays(audio, rate, batch_size=4, logits=True), exact, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.05)
        assert one.logits.shape == (3,)


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
        (broken, r"cannot be quantised \("),
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


def test_a_file_without_convolutions_and_products_says_so_in_one_line(model, calibration_clips, tmp_path):
    bare = onnx.load(model)
    for node in bare.graph.node:
        node.op_type = "Other" if node.op_type == "Conv" else node.op_type
    onnx.save(bare, tmp_path / "bare.onnx")
    with pytest.raises(ExportError, match=r"bare\.onnx has neither convolutions nor large products"):
        quantise(tmp_path / "bare.onnx", tmp_path / "int8.onnx", calibration_clips, calibration_clips)
    assert not (tmp_path / "int8.onnx").exists()
