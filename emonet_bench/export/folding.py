"""Constant folding of a traced graph, and padding left to the convolution behind it.

The exporter computes amounts of padding in a dozen nodes for each convolution, and pads in a step of its own, which
makes a copy and keeps onnxruntime from its fastest layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

_MOST = 256  # numbers of a result that is kept in the file; larger ones are left to be computed

_ARITHMETIC = ("Add", "Cast", "Div", "Equal", "Mul", "Sub", "Where")
_SHAPING = ("Concat", "ConstantOfShape", "Gather", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
_FOLDED = frozenset([*_ARITHMETIC, *_SHAPING])
"""Operators that mean the same in every opset from 13 on."""


def array_of(node: Any) -> Any:
    """Return the array of a ``Constant``, else None."""
    import onnx  # noqa: PLC0415 - slow, and needed only here

    if node.op_type != "Constant" or node.attribute[0].name != "value":
        return None
    return onnx.numpy_helper.to_array(node.attribute[0].t)


def folded(nodes: Sequence[Any]) -> list[Any]:
    """Replace what follows from small constants alone by what it is; computed with ONNX's own reference."""
    known: dict[str, Any] = {}
    kept = []
    for node in nodes:
        made = _computed(node, known)
        array = array_of(made)
        if array is not None and array.size <= _MOST:
            known[made.output[0]] = array
        kept.append(made)
    return kept


def _computed(node: Any, known: dict[str, Any]) -> Any:
    import onnx  # noqa: PLC0415 - slow, and needed only here
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

    given = [name for name in node.input if name]
    if node.op_type not in _FOLDED or not all(name in known for name in given):
        return node
    if node.op_type == "ConstantOfShape" and np.prod(known[given[0]]) > _MOST:
        return node
    (found,) = ReferenceEvaluator(node).run(None, {name: known[name] for name in given})
    if np.size(found) > _MOST:
        return node
    value = onnx.numpy_helper.from_array(np.asarray(found))
    return onnx.helper.make_node("Constant", [], list(node.output), name=node.name, value=value)


def padded_by_convolutions(nodes: Sequence[Any], outputs: set[str]) -> list[Any]:
    """Drop zero padding of which only convolutions hear: they pad as much themselves.

    Args:
        nodes: Of a graph.
        outputs: Names of what the graph gives.
    """
    known = {node.output[0]: array for node in nodes if (array := array_of(node)) is not None}
    used = Counter(name for node in nodes for name in node.input)
    pads = {node.output[0]: node for node in nodes if node.op_type == "Pad" and _are_zeros(node, known)}
    heard: dict[str, list[Any]] = {name: [] for name in pads}
    for node in nodes:
        if node.op_type == "Conv" and node.input[0] in pads:
            heard[node.input[0]].append(node)
    dropped = set()
    for name, convolutions in heard.items():
        amounts = known[pads[name].input[1]]
        planned = [(node, added) for node in convolutions if (added := _added(amounts, node)) is not None]
        if name in outputs or len(planned) < used[name]:
            continue
        for node, added in planned:
            _pad(node, added)
            node.input[0] = pads[name].input[0]
        dropped.add(name)
    return [node for node in nodes if node.output[0] not in dropped]


def _are_zeros(node: Any, known: dict[str, Any]) -> bool:
    """Tell whether a ``Pad`` adds zeros, of which the amounts are known."""
    mode = next((attribute.s for attribute in node.attribute if attribute.name == "mode"), b"constant")
    value, axes = [*node.input[2:], "", ""][:2]
    return bool(mode == b"constant" and node.input[1] in known and not axes and not (value and known.get(value, 1)))


def _added(pads: Any, convolution: Any) -> list[int] | None:
    """Return a ``Pad``'s amounts for the spatial axes of a convolution; None: it cannot pad so."""
    told = {attribute.name: attribute for attribute in convolution.attribute}
    first, last = np.split(np.asarray(pads), 2)
    if "auto_pad" in told or "kernel_shape" not in told or any([*first[:2], *last[:2]]) or min(pads) < 0:
        return None
    amounts = [int(one) for one in (*first[2:], *last[2:])]
    return amounts if len(amounts) == 2 * len(told["kernel_shape"].ints) else None


def _pad(convolution: Any, more: Sequence[int]) -> None:
    import onnx  # noqa: PLC0415 - slow, and needed only here

    told = {attribute.name: attribute for attribute in convolution.attribute}
    if "pads" not in told:
        convolution.attribute.append(onnx.helper.make_attribute("pads", [0] * len(more)))
        told["pads"] = convolution.attribute[-1]
    own = list(told["pads"].ints)
    told["pads"].ints[:] = [one + added for one, added in zip(own, more, strict=True)]
