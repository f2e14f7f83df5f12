"""Clean-up of a traced graph of what other runtimes cannot run, and of tables that grow with a window."""

from __future__ import annotations

from typing import Any

import numpy as np

from emonet_bench.export.folding import array_of, folded, padded_by_convolutions

_LONG = 256  # numbers from which a constant that merely counts is made by Range instead


def cleaned(content: bytes) -> bytes:
    """Clean a serialised ONNX model: no ``If`` around a squeeze, no tables of 0, 1, 2, ..., each constant once.

    What follows from constants alone is computed, and convolutions pad themselves. Average pools count their own cells
    and take an axis that is shorter than their window.

    A graph with other branches or loops stays as it is: what they use is not followed.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    model = onnx.load_model_from_string(content)
    graph = model.graph
    nodes = [kept for node in graph.node for kept in _straight(node)]
    if any(attribute.HasField("g") for node in nodes for attribute in node.attribute):
        return content
    for node in nodes:
        _pool_own_cells(node)
    outputs = {value.name for value in graph.output}
    nodes = padded_by_convolutions(folded(_once(nodes)), outputs)
    nodes = [made for node in nodes for made in _counted(node)]
    nodes = _used(nodes, outputs)
    del graph.node[:]
    graph.node.extend(nodes)
    done: bytes = model.SerializeToString()
    return done


def _straight(node: Any) -> list[Any]:
    """Replace an ``If`` by the squeeze in it: the traced axis had the size 1, and the gate tries other sizes."""
    if node.op_type != "If":
        return [node]
    for branch in node.attribute:
        inner = list(branch.g.node)
        if inner and inner[-1].op_type == "Squeeze":
            inner[-1].output[0] = node.output[0]
            return inner
    return [node]


def _pool_own_cells(node: Any) -> None:
    """Let an average pool without padding count no padding, and reach over the end by padding instead of ceil_mode.

    Of windows side by side both give the same. onnxruntime 1.20 took what ceil_mode adds for padding, and OpenVINO
    refuses an axis that is shorter than the window, such as the one frame of a very short clip.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    told = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type != "AveragePool" or any(told.get("pads", ())):
        return
    told["count_include_pad"] = 0
    if told.get("ceil_mode") and told.get("strides") == told["kernel_shape"]:
        beyond = [size - 1 for size in told["kernel_shape"]]
        told |= {"ceil_mode": 0, "pads": [0] * len(beyond) + beyond}
    del node.attribute[:]
    node.attribute.extend(onnx.helper.make_attribute(name, value) for name, value in told.items())


def _once(nodes: list[Any]) -> list[Any]:
    """Keep one of equal constants."""
    first: dict[tuple[Any, ...], str] = {}
    same: dict[str, str] = {}
    kept = []
    for node in nodes:
        array = array_of(node)
        if array is not None:
            key = (array.dtype.str, array.shape, array.tobytes())
            if key in first:
                same[node.output[0]] = first[key]
                continue
            first[key] = node.output[0]
        node.input[:] = [same.get(name, name) for name in node.input]
        kept.append(node)
    return kept


def _counted(node: Any) -> list[Any]:
    """Make a long constant 0, 1, 2, ... by a ``Range``."""
    import onnx  # noqa: PLC0415 - slow, and needed only here

    array = array_of(node)
    if array is None or array.ndim != 1 or array.dtype != np.int64 or len(array) < _LONG:
        return [node]
    if not np.array_equal(array, np.arange(len(array))):
        return [node]
    (output,) = node.output
    ends = {f"{output}_{name}": value for name, value in (("start", 0), ("limit", len(array)), ("delta", 1))}
    made = [
        onnx.helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(np.array(value)))
        for name, value in ends.items()
    ]
    return [*made, onnx.helper.make_node("Range", list(ends), [output], name=f"{output}_range")]


def _used(nodes: list[Any], outputs: set[str]) -> list[Any]:
    """Drop what nothing asks for."""
    asked, kept = set(outputs), []
    for node in reversed(nodes):
        if asked.intersection(node.output):
            asked.update(node.input)
            kept.append(node)
    return kept[::-1]
