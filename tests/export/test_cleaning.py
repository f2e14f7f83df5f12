"""A cleaned graph gives what the traced one gives, without branches and without tables that count."""

import io

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from emonet_bench.export.cleaning import cleaned

RNG = np.random.default_rng(0)


class Squeezes(torch.nn.Module):
    """What the exporter makes branches and tables of."""

    def forward(self, waveform):
        weights = torch.arange(1_000).float()
        counted = torch.arange(1_000) * 2
        sums = (waveform[:, :1_000] * weights * counted).sum(1, keepdim=True)  # (N, 1)
        rows = waveform.reshape(waveform.shape[0], -1, waveform.shape[1])  # (N, 1, S), of which tracing cannot know
        return rows.squeeze(1) + sums


def branching():
    """A model with a branch that is no squeeze."""
    value = helper.make_tensor_value_info
    branches = {}
    for name, operator in (("then_branch", "Neg"), ("else_branch", "Abs")):
        out = value(f"{name}_out", TensorProto.FLOAT, None)
        branches[name] = helper.make_graph([helper.make_node(operator, ["waveform"], [out.name])], name, [], [out])
    nodes = [
        helper.make_node("Constant", [], ["zero"], value=onnx.numpy_helper.from_array(np.float32(0))),
        helper.make_node("ReduceSum", ["waveform"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node("If", ["positive"], ["found"], **branches),
    ]
    audio, found = (value(name, TensorProto.FLOAT, ["batch", "samples"]) for name in ("waveform", "found"))
    graph = helper.make_graph(nodes, "branching", [audio], [found])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def traced(module, quiet):
    content = io.BytesIO()
    with quiet:
        torch.onnx.export(
            module,
            (torch.ones(2, 1_500),),
            content,
            dynamo=False,
            opset_version=17,
            input_names=["waveform"],
            output_names=["found"],
            dynamic_axes={"waveform": {0: "batch", 1: "samples"}},
        )
    return content.getvalue()


@pytest.fixture
def quiet():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield warnings.catch_warnings(action="ignore")


def run(content, waveform):
    return onnxruntime.InferenceSession(content).run(None, {"waveform": waveform})[0]


def operators(content):
    return [node.op_type for node in onnx.load_model_from_string(content).graph.node]


def test_branches_around_squeezes_and_counting_tables_go(quiet):
    before = traced(Squeezes(), quiet)
    after = cleaned(before)
    assert "If" in operators(before)
    assert "If" not in operators(after)
    assert len(after) < len(before) - 7_000
    onnx.checker.check_model(onnx.load_model_from_string(after), full_check=True)
    for batch, samples in ((1, 1_000), (3, 2_000)):
        waveform = RNG.standard_normal((batch, samples)).astype(np.float32)
        np.testing.assert_array_equal(run(after, waveform), run(before, waveform))


def test_equal_constants_are_kept_once(quiet):
    def constants(content):
        nodes = onnx.load_model_from_string(content).graph.node
        return [node.SerializeToString() for node in nodes if node.op_type == "Constant"]

    content = cleaned(traced(Squeezes(), quiet))
    values = [onnx.NodeProto.FromString(node).attribute[0].t.SerializeToString() for node in constants(content)]
    assert len(values) == len(set(values))


def test_other_branches_stay_as_they_are():
    before = branching()
    assert "If" in operators(before)
    assert cleaned(before) == before
