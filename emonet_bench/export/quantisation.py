"""Quantisation of a graph to int8: convolutions statically, products with weights dynamically, tables as they are kept.

Rectifiers and residual sums behind convolutions are quantised with them.

A static scale is found on clips beforehand; a dynamic one from each clip itself, which the few large values in
transformers need. Weights get a scale for each output channel.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from emonet_bench.errors import ExportError
from emonet_bench.export.gate import Feed, first_line

_LARGE = 2**14
"""Numbers of a weight from which a product is worth quantising; smaller ones, such as heads, stay exact."""

_TABLE = 2**16
"""Numbers of a table from which it is kept in 8 bits."""


def quantise_graph(source: Path, target: Path, feeds: Iterable[Feed]) -> None:
    """Write a file's int8 variant.

    The first of several convolutions stays in float32: what it hears, a spectrogram, ranges too widely for 8 bits.

    Args:
        source: The file.
        target: The variant; its metadata is the file's.
        feeds: Inputs that show which values occur.

    Raises:
        ExportError: There is nothing to quantise, or the quantiser does not like the file.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    loaded = onnx.load(source)
    convolutions, products = _convolutions(loaded.graph), _products(loaded.graph)
    if not convolutions and not products:
        raise ExportError(f"--quantize: {source.name} has neither convolutions nor large products; keep it as it is")
    try:
        with _quiet(), TemporaryDirectory() as folder:
            between = Path(folder) / "convolutions.onnx"
            _statically(source, between, feeds, [*convolutions, *_followers(loaded.graph, convolutions)])
            _dynamically(between, target, products)
            quantised = onnx.load(target)
    except Exception as error:  # whatever the quantiser does not like
        raise ExportError(f"--quantize: {source.name} cannot be quantised ({first_line(error)})") from error
    _shrink_tables(quantised.graph)
    del quantised.graph.value_info[
        :
    ]  # shapes that the quantiser inferred, with names that other runtimes take at their word
    onnx.save(quantised, target)


def _convolutions(graph: Any) -> list[str]:
    weights = {tensor.name for tensor in graph.initializer}
    names = [node.name for node in graph.node if node.op_type == "Conv" and node.input[1] in weights]
    return names[1:] or names


def _followers(graph: Any, convolutions: Sequence[str]) -> list[str]:
    """Name the rectifiers and residual sums that take what quantised nodes give: between them nothing is converted.

    Other operators stay in float32: onnxruntime's average pool, for one, is four times as slow in 8 bits. So do sums
    with what has just been padded, which OpenVINO would get wrong.
    """
    computed = {name for node in graph.node if node.op_type not in {"Constant", "Pad"} for name in node.output}
    quantised = {name for node in graph.node if node.name in convolutions for name in node.output}
    found = []
    for node in graph.node:
        rectifier = node.op_type == "Relu" and node.input[0] in quantised
        residual = node.op_type == "Add" and quantised.intersection(node.input) and computed.issuperset(node.input)
        if rectifier or residual:
            found.append(node.name)
            quantised.update(node.output)
    return found


def _products(graph: Any) -> list[str]:
    """Name the products with large weights; the front end's tables are constants of the code, and no weights."""
    large = {tensor.name for tensor in graph.initializer if np.prod(tensor.dims) >= _LARGE}
    return [node.name for node in graph.node if node.op_type == "MatMul" and node.input[1] in large]


def _statically(source: Path, target: Path, feeds: Iterable[Feed], nodes: Sequence[str]) -> None:
    import emonet_bench.deploy.runtime  # noqa: F401, PLC0415, I001 - first: telemetry off
    from onnxruntime import quantization  # noqa: PLC0415 - slow, and needed only here

    if not nodes:
        target.write_bytes(source.read_bytes())
        return
    given = iter(feeds)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Feed | None:
            return next(given, None)

    quantization.quantize_static(
        source,
        target,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        nodes_to_quantize=nodes,
        op_types_to_quantize=["Conv", "Relu", "Add"],  # or else it calibrates whatever there is
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )


def _dynamically(source: Path, target: Path, nodes: Sequence[str]) -> None:
    from onnxruntime import quantization  # noqa: PLC0415 - slow, and needed only here

    if not nodes:
        target.write_bytes(source.read_bytes())
        return
    quantization.quantize_dynamic(
        source,
        target,
        nodes_to_quantize=nodes,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
    )


def _shrink_tables(graph: Any) -> None:
    """Keep large tables of which rows are cut, such as positions, in 8 bits: what was cut is scaled afterwards."""
    import onnx  # noqa: PLC0415 - slow, and needed only here

    used = Counter(name for node in graph.node for name in node.input)
    tables = {one.name: one for one in graph.initializer if len(one.dims) == 2 and np.prod(one.dims) >= _TABLE}  # noqa: PLR2004
    for place, node in reversed(list(enumerate(graph.node))):
        if node.op_type != "Slice" or node.input[0] not in tables or used[node.input[0]] > 1:
            continue
        table = tables[node.input[0]]
        array = onnx.numpy_helper.to_array(table)
        if array.dtype != np.float32:
            continue
        scale = np.maximum(np.abs(array).max(0), np.finfo(np.float32).tiny) / 127  # one for each column
        rounded = np.rint(array / scale).astype(np.int8)
        table.CopyFrom(onnx.numpy_helper.from_array(rounded, table.name))
        added = {f"{table.name}_scale": scale, f"{table.name}_zero_point": np.zeros(len(scale), np.int8)}
        graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in added.items())
        (cut,) = node.output
        node.output[0] = f"{cut}_quantised"
        scaled = onnx.helper.make_node(
            "DequantizeLinear", [node.output[0], *added], [cut], f"{node.name}_scaled", axis=1
        )
        graph.node.insert(place + 1, scaled)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back the quantiser's advice to optimise first: onnxruntime does that when it loads a file."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
