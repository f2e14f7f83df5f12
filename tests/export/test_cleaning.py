"""A cleaned graph gives what the traced one gives, without branches and without tables that count."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from emonet_bench.export.cleaning import cleaned

RNG = np.random.default_rng(0)


def model(*nodes):
    """A model of waveform (batch, samples) that gives ``found``."""
    value = helper.make_tensor_value_info
    audio = value("waveform", TensorProto.FLOAT, ["batch", "samples"])
    found = value("found", TensorProto.FLOAT, ["batch", "rest"])
    graph = helper.make_graph(nodes, "made", [audio], [found])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def constant(name, array):
    return helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(np.asarray(array)))


def branch(name, *nodes):
    (output,) = nodes[-1].output
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)])


def squeezing():
    """What torch's exporter makes of ``rows.squeeze(1)``, of tables that count, and of numbers used twice."""
    return model(
        constant("one", [1]),
        constant("table", np.arange(1_000)),
        constant("again", np.arange(1_000)),
        constant("unused", np.ones(5_000)),
        helper.make_node("Add", ["table", "again"], ["twice"]),
        helper.make_node("Gather", ["waveform", "twice"], ["chosen"], axis=1),
        helper.make_node("Unsqueeze", ["chosen", "one"], ["rows"]),
        helper.make_node("Shape", ["rows"], ["size"], start=1, end=2),
        helper.make_node("Equal", ["size", "one"], ["single"]),
        helper.make_node(
            "If",
            ["single"],
            ["found"],
            then_branch=branch(
                "then", constant("axis", [1]), helper.make_node("Squeeze", ["rows", "axis"], ["squeezed"])
            ),
            else_branch=branch("else", helper.make_node("Identity", ["rows"], ["kept"])),
        ),
    )


def branching():
    """A model with a branch that is no squeeze."""
    return model(
        constant("zero", np.float32(0)),
        helper.make_node("ReduceSum", ["waveform"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node(
            "If",
            ["positive"],
            ["found"],
            then_branch=branch("then", helper.make_node("Neg", ["waveform"], ["negated"])),
            else_branch=branch("else", helper.make_node("Abs", ["waveform"], ["absolute"])),
        ),
    )


def run(content, waveform):
    return onnxruntime.InferenceSession(content).run(None, {"waveform": waveform})[0]


def operators(content):
    return [node.op_type for node in onnx.load_model_from_string(content).graph.node]


def test_branches_around_squeezes_and_counting_tables_go_and_the_numbers_stay():
    before = squeezing()
    after = cleaned(before)
    assert "If" in operators(before)
    assert not {"If", "Identity"} & set(operators(after))
    assert operators(after).count("Range") == 1
    assert len(after) < len(before) / 20
    onnx.checker.check_model(onnx.load_model_from_string(after), full_check=True)
    for batch, samples in ((1, 2_000), (3, 2_500)):
        waveform = RNG.standard_normal((batch, samples)).astype(np.float32)
        np.testing.assert_array_equal(run(after, waveform), run(before, waveform))


def test_other_branches_stay_as_they_are():
    before = branching()
    assert cleaned(before) == before


@pytest.mark.parametrize(("pads", "counted"), [([0, 0], 0), ([1, 1], 1)])
def test_an_average_pool_counts_padding_only_where_it_pads(pads, counted):
    told = {"kernel_shape": [2], "strides": [2], "ceil_mode": 1, "count_include_pad": 1, "pads": pads}
    before = model(
        constant("axis", [1]),
        helper.make_node("Unsqueeze", ["waveform", "axis"], ["maps"]),
        helper.make_node("AveragePool", ["maps"], ["pooled"], **told),
        helper.make_node("Squeeze", ["pooled", "axis"], ["found"]),
    )
    after = cleaned(before)
    (pool,) = (node for node in onnx.load_model_from_string(after).graph.node if node.op_type == "AveragePool")
    assert {one.name: one.i for one in pool.attribute}["count_include_pad"] == counted
    waveform = RNG.standard_normal((2, 7)).astype(np.float32)
    np.testing.assert_array_equal(run(after, waveform), run(before, waveform))


@pytest.mark.parametrize("size", [2, 3])
def test_an_average_pool_pads_where_its_windows_reach_over_the_end(size):
    told = {"kernel_shape": [1, size], "strides": [1, size], "ceil_mode": 1}
    before = model(
        constant("axis", [1]),
        constant("axes", [1, 2]),
        helper.make_node("Unsqueeze", ["waveform", "axes"], ["maps"]),
        helper.make_node("AveragePool", ["maps"], ["pooled"], **told),
        helper.make_node("Squeeze", ["pooled", "axes"], ["found"]),
    )
    after = cleaned(before)
    (pool,) = (node for node in onnx.load_model_from_string(after).graph.node if node.op_type == "AveragePool")
    told = {one.name: helper.get_attribute_value(one) for one in pool.attribute}
    assert (told["ceil_mode"], told["pads"]) == (0, [0, 0, 0, size - 1])
    for samples in (1, 2, 3, 4, 7, 9):
        waveform = RNG.standard_normal((2, samples)).astype(np.float32)
        found = run(after, waveform)
        cells = [waveform[:, first : first + size].mean(1) for first in range(0, samples, size)]
        np.testing.assert_allclose(found, np.stack(cells, 1), atol=1e-6)
