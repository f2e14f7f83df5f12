"""Tensors of the V2 protocol: JSON heads with data in them, or in binary behind them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emonet_bench.deploy.serving.errors import RequestError

HEADER_LENGTH = "Inference-Header-Content-Length"
"""Header that says how many bytes of a body are JSON; the rest is binary tensors."""

_DTYPES: Mapping[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}
_MOST_DIMENSIONS = 4
_MOST_DIGITS = 20  # of a number in a header


@dataclass(frozen=True)
class Wanted:
    """An output that is asked for.

    Attributes:
        name: Its name.
        binary: Whether as binary.
    """

    name: str
    binary: bool


Request = tuple[dict[str, NDArray[Any]], str | None, list[Wanted]]


def parse_request(body: bytes, header_length: str | None) -> Request:
    """Read a request: its tensors by name, its id, and the outputs asked for.

    Raises:
        RequestError: It is damaged.
    """
    head, binary = body, memoryview(b"")
    if header_length is not None:
        digits = header_length.isascii() and header_length.isdecimal() and len(header_length) <= _MOST_DIGITS
        if not digits or int(header_length) > len(body):
            raise RequestError(400, f"{HEADER_LENGTH}: must be a number of bytes within the body")
        head, binary = body[: int(header_length)], memoryview(body)[int(header_length) :]
    try:
        given = json.loads(head)
        return _parsed(given, binary)
    except RequestError:
        raise
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise RequestError(
            400, "body: is no request of the V2 protocol; give inputs with name, shape, datatype, data"
        ) from error


def _parsed(given: Mapping[str, Any], binary: memoryview) -> Request:
    tensors: dict[str, NDArray[Any]] = {}
    for one in given["inputs"]:
        tensors[str(one["name"])], binary = _tensor(one, binary)
    if binary:
        raise RequestError(400, f"body: {len(binary)} bytes lie behind the last tensor")
    everything = bool((given.get("parameters") or {}).get("binary_data_output", False))
    wanted = [
        Wanted(str(one["name"]), bool((one.get("parameters") or {}).get("binary_data", everything)))
        for one in given.get("outputs") or []
    ]
    identifier = given.get("id")
    return tensors, None if identifier is None else str(identifier), wanted


def _tensor(one: Mapping[str, Any], binary: memoryview) -> tuple[NDArray[Any], memoryview]:
    """Read a tensor, and return what binary data lies behind it."""
    name, kind, shape = str(one["name"])[:40], one["datatype"], [int(size) for size in one["shape"]]
    if kind not in _DTYPES:
        raise RequestError(400, f"{name}: the datatype {str(kind)[:40]!r} is not taken; there are {', '.join(_DTYPES)}")
    if len(shape) > _MOST_DIMENSIONS or min(shape, default=0) < 0:
        raise RequestError(400, f"{name}: its shape makes no sense")
    dtype = _DTYPES[kind]
    size = (one.get("parameters") or {}).get("binary_data_size")
    if size is None:
        values = np.asarray(one["data"], dtype).reshape(-1)
    else:
        if size != math.prod(shape) * dtype.itemsize or size > len(binary):
            raise RequestError(400, f"{name}: its binary_data_size is not that of its shape, or beyond the body")
        values, binary = np.frombuffer(binary[:size], dtype), binary[size:]
    if values.size != math.prod(shape):
        raise RequestError(400, f"{name}: {values.size} values do not make the shape {shape}")
    return values.reshape(shape), binary


def encode(head: Mapping[str, Any], found: Sequence[tuple[Wanted, NDArray[Any]]]) -> tuple[bytes, int | None]:
    """Write an answer.

    Args:
        head: What stands beside the outputs.
        found: Outputs and how they are wanted.

    Returns:
        The body, and how many bytes of it are JSON; None: all.
    """
    outputs: list[dict[str, Any]] = []
    behind: list[bytes] = []
    for wanted, tensor in found:
        told = {"name": wanted.name, "datatype": "FP32", "shape": list(tensor.shape)}
        if wanted.binary:
            behind.append(tensor.astype("<f4", copy=False).tobytes())
            outputs.append({**told, "parameters": {"binary_data_size": len(behind[-1])}})
        else:
            outputs.append({**told, "data": _finite(tensor)})
    text = json.dumps({**head, "outputs": outputs}, allow_nan=False).encode()
    return b"".join([text, *behind]), len(text) if behind else None


def _finite(tensor: NDArray[Any]) -> list[float]:
    """List values; JSON knows no infinity, which a bank's logits have behind a task's own."""
    limit = float(np.finfo(np.float32).max)
    listed: list[float] = np.nan_to_num(tensor, nan=0.0, posinf=limit, neginf=-limit).ravel().tolist()
    return listed
