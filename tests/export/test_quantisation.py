"""Products with large weights and tables are kept in 8 bits, and give nearly what they gave."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from emonet_bench.errors import ExportError
from emonet_bench.export.quantisation import quantise_graph

RNG = np.random.default_rng(0)
WIDTH, ROWS = 160, 600


def model(path, *, width=WIDTH, rows=ROWS):
    """Frames (T, width) plus the first T of many positions, times a square weight."""
    tensors = {
        "positions": RNG.standard_normal((rows, width)).astype(np.float32),
        "weight": (RNG.standard_normal((width, width)) * np.linspace(0.01, 1, width)).astype(np.float32),
        "start": np.array([0]),
        "axis": np.array([0]),
    }
    nodes = [
        helper.make_node("Shape", ["frames"], ["count"], end=1),
        helper.make_node("Slice", ["positions", "start", "count", "axis"], ["cut"], name="cut"),
        helper.make_node("Add", ["frames", "cut"], ["placed"]),
        helper.make_node("MatMul", ["placed", "weight"], ["out"], name="product"),
    ]
    given, out = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["T", width]) for name in ("frames", "out"))
    constants = [numpy_helper.from_array(array, name) for name, array in tensors.items()]
    made = helper.make_model(
        helper.make_graph(nodes, "layer", [given], [out], constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(made, path)
    return path


def run(path, frames):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"frames": frames})[0]


def test_a_layer_gets_a_quarter_of_its_size_and_says_nearly_the_same(tmp_path):
    source, target = model(tmp_path / "float32.onnx"), tmp_path / "int8.onnx"
    quantise_graph(source, target, [])
    assert target.stat().st_size < 0.3 * source.stat().st_size
    kinds = [node.op_type for node in onnx.load(target).graph.node]
    assert "MatMulInteger" in kinds
    assert "DequantizeLinear" in kinds
    onnx.checker.check_model(onnx.load(target), full_check=True)
    for count in (1, 50, ROWS):
        frames = RNG.standard_normal((count, WIDTH)).astype(np.float32)
        exact, found = run(source, frames), run(target, frames)
        assert np.abs(found - exact).max() < 0.03 * np.abs(exact).max()
    share = np.abs(found - exact).max(0) / np.abs(exact).max(0)  # of all rows
    assert share.max() < 0.05  # the small columns have a scale of their own


def test_small_products_and_tables_stay_as_they_are(tmp_path):
    source = model(tmp_path / "small.onnx", width=16, rows=100)
    with pytest.raises(ExportError, match=r"--quantize: small\.onnx has neither convolutions nor large products"):
        quantise_graph(source, tmp_path / "int8.onnx", [])


def residual(path, *, padded=False):
    """Maps (1, 4, T, 8), three convolutions, the last two in a residual block behind which an average is taken."""
    more = 2 if padded else 0  # channels that the shortcut has to be given
    shapes = [(4, 4, 3, 3), (4 + more, 4, 3, 3), (4 + more, 4 + more, 3, 3)]
    weights = {
        f"w{number}": (0.2 * RNG.standard_normal(shape)).astype(np.float32) for number, shape in enumerate(shapes)
    }
    weights["amounts"] = np.array([0, 0, 0, 0, 0, more, 0, 0])
    nodes = [
        *(
            helper.make_node("Conv", [given, f"w{number}"], [made], name=f"conv{number}", pads=[1, 1, 1, 1])
            for number, (given, made) in enumerate([("maps", "stem"), ("stem", "first"), ("active", "second")])
        ),
        helper.make_node("Relu", ["first"], ["active"], name="relu"),
        helper.make_node("Pad", ["stem", "amounts"], ["wider"]),
        helper.make_node("Add", ["second", "wider" if padded else "stem"], ["sum"], name="residual"),
        helper.make_node("Relu", ["sum"], ["out_active"], name="last relu"),
        helper.make_node("ReduceMean", ["out_active"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Add", ["mean", "mean"], ["out"], name="another sum"),
    ]
    nodes.insert(2, nodes.pop(3))  # the rectifier before what takes it
    shape = [1, 4, "T", 8]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "block",
            [helper.make_tensor_value_info("maps", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4 + more, 1, 1])],
            [numpy_helper.from_array(array, name) for name, array in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(made, path)
    return path


@pytest.mark.parametrize("padded", [False, True])
def test_within_a_residual_block_nothing_goes_back_to_float32_but_what_is_padded(tmp_path, padded):
    source, target = residual(tmp_path / "float32.onnx", padded=padded), tmp_path / "int8.onnx"
    maps = RNG.standard_normal((6, 1, 4, 20, 8)).astype(np.float32)
    quantise_graph(source, target, ({"maps": one} for one in maps))
    nodes = onnx.load(target).graph.node
    made = {name: node for node in nodes for name in node.output}
    for node in nodes:
        if node.name in {"conv1", "conv2"} or (node.name == "residual" and not padded):
            assert {made[name].op_type for name in node.input[:2]} == {"DequantizeLinear"}
        elif node.name in {"conv0", "another sum"}:
            assert "DequantizeLinear" not in {made[name].op_type for name in node.input if name in made}
    outputs = [
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"maps": maps[0]})[0]
        for path in (source, target)
    ]
    np.testing.assert_allclose(outputs[1], outputs[0], atol=0.03 * np.abs(outputs[0]).max())
