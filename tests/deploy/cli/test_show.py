"""``emonet-predict show``: what a file says of itself, as it stands."""

import onnx
import pytest
from click.testing import CliRunner

from emonet_bench.deploy.cli import main
from tests.exported import export_listener


def emonet(*arguments):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(export_listener(tmp_path_factory.mktemp("model") / "model.onnx"))


def test_show_tells_inputs_outputs_labels_and_origin(model):
    done = emonet("show", model)
    assert done.exit_code == 0, done.output
    for text in ("waveform: float ['batch', 'samples']", "lengths: int64", "embedding", "anger, joy, sadness"):
        assert text in done.stdout
    for text in ("16000", "0123456789abcdef", "CC-BY-4.0", "by-speaker", "torch 2.11.0"):
        assert text in done.stdout


def test_show_takes_brackets_and_braces_of_other_writers_as_they_stand(tmp_path, monkeypatch):
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [value], [value])
    graph.output[0].name = "y"
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.helper.set_model_props(
        made,
        {"names": "{0: 'person'}", "[/red]": "[bold", "[x]": '["a", "b"]', "interval": "[0.76, 0.8800000000000001]"},
    )
    onnx.save(made, tmp_path / "[id] model.onnx")
    monkeypatch.chdir(tmp_path)
    done = emonet("show", "[id] model.onnx")
    assert done.exit_code == 0, done.output
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert ["[id]", "model.onnx"] in [[part.strip() for part in line] for line in lines]
    for name, text in (("names", "{0: 'person'}"), ("[/red]", "[bold"), ("[x]", "a, b"), ("interval", "0.76, 0.88")):
        assert [name, text] in [[part.strip() for part in line] for line in lines]
