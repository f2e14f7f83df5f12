"""A folded graph gives what the traced one gives: amounts of padding are numbers, and convolutions pad themselves."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from emonet_bench.export.folding import array_of, folded, padded_by_convolutions

RNG = np.random.default_rng(0)
MAPS = RNG.standard_normal((2, 3, 7, 5)).astype(np.float32)
WEIGHT = RNG.standard_normal((4, 3, 3, 3)).astype(np.float32)


def constant(name, array):
    return helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(np.asarray(array)))


def counted_pads():
    """Amounts of padding as torch's exporter has them computed: [0, 0, 0, 0, 0, 0, 1, 0]."""
    return [
        constant("given", [0, 0, 0, 1]),  # of the last axis first
        constant("rest", [4]),
        helper.make_node("ConstantOfShape", ["rest"], ["zeros"]),
        constant("shape", [-1, 2]),
        helper.make_node("Cast", ["zeros"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Concat", ["given", "whole"], ["pairs"], axis=0),
        helper.make_node("Reshape", ["pairs", "shape"], ["table"]),
        constant("last", [-1]),
        constant("before", [-9]),
        constant("axis", [0]),
        helper.make_node("Slice", ["table", "last", "before", "axis", "last"], ["turned"]),
        helper.make_node("Transpose", ["turned"], ["sides"], perm=[1, 0]),
        helper.make_node("Reshape", ["sides", "last"], ["pads"]),
    ]


def pad(*more, **attributes):
    return helper.make_node("Pad", ["maps", "pads", *more], ["padded"], **attributes)


def convolution(output="found", source="padded", **attributes):
    told = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 1, 0, 1], **attributes}
    return helper.make_node("Conv", [source, "weight"], [output], **told)


def changed(nodes, outputs=("found",)):
    return padded_by_convolutions(folded(nodes), set(outputs))


def run(nodes, outputs=("found",)):
    value = helper.make_tensor_value_info
    weight = onnx.numpy_helper.from_array(WEIGHT, "weight")
    maps = value("maps", TensorProto.FLOAT, ["n", 3, "h", "w"])
    given = [value(name, TensorProto.FLOAT, None) for name in outputs]
    model = helper.make_model(
        helper.make_graph(nodes, "made", [maps], given, [weight]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"maps": MAPS})


def operators(nodes):
    return [node.op_type for node in nodes if node.op_type != "Constant"]


def test_what_follows_from_constants_is_computed():
    nodes = folded(counted_pads())
    assert operators(nodes) == []
    assert array_of(nodes[-1]).tolist() == [0, 0, 0, 0, 0, 0, 1, 0]


def test_what_would_be_large_stays_to_be_computed():
    nodes = [constant("size", [10_000]), helper.make_node("ConstantOfShape", ["size"], ["zeros"])]
    assert operators(folded(nodes)) == ["ConstantOfShape"]


def test_what_follows_from_an_input_stays():
    nodes = [constant("two", np.float32(2)), helper.make_node("Mul", ["maps", "two"], ["found"])]
    assert operators(folded(nodes)) == ["Mul"]


def test_a_convolution_pads_itself_and_gives_the_same():
    nodes = [*counted_pads(), pad(mode="constant"), convolution()]
    (wanted,) = run(nodes)
    after = changed(nodes)
    assert operators(after) == ["Conv"]
    np.testing.assert_array_equal(run(after)[0], wanted)


def test_a_convolution_without_pads_of_its_own_gets_some():
    bare = helper.make_node("Conv", ["padded", "weight"], ["found"], kernel_shape=[3, 3])
    nodes = [*counted_pads(), pad(mode="constant"), bare]
    (wanted,) = run(nodes)
    after = changed(nodes)
    assert operators(after) == ["Conv"]
    np.testing.assert_array_equal(run(after)[0], wanted)


def test_two_convolutions_behind_one_padding_both_pad():
    nodes = [*counted_pads(), pad(), convolution("found"), convolution("other", strides=[1, 1])]
    wanted = run(nodes, ("found", "other"))
    after = changed(nodes, ("found", "other"))
    assert operators(after) == ["Conv", "Conv"]
    for one, expected in zip(run(after, ("found", "other")), wanted, strict=True):
        np.testing.assert_array_equal(one, expected)


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([*counted_pads(), pad(mode="reflect"), convolution()], ["found"]),
        ([*counted_pads(), constant("one", np.float32(1)), pad("one"), convolution()], ["found"]),
        ([constant("pads", [0, 0, 0, 0, 0, 0, -1, 0]), pad(), convolution()], ["found"]),
        ([*counted_pads(), pad(), convolution(pads=[0, 0, 0, 0], auto_pad="VALID")], ["found"]),
        ([*counted_pads(), pad(), convolution()], ["found", "padded"]),
        ([*counted_pads(), pad(), convolution("first"), helper.make_node("Abs", ["padded"], ["found"])], ["found"]),
        ([constant("pads", [0, 1, 0, 0, 0, 0, 0, 0]), pad(), convolution()], ["found"]),
    ],
    ids=["reflected", "of ones", "cut", "automatic", "given", "heard by others", "of channels"],
)
def test_padding_that_a_convolution_cannot_do_stays(nodes, outputs):
    assert "Pad" in operators(changed(nodes, outputs))
