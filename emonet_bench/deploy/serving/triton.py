"""Triton: the ``config.pbtxt`` that serves an exported file with NVIDIA's Triton Inference Server.

A model of Triton takes requests of its own and puts them into batches where they have one shape (padded by the client,
``lengths`` reshaped from one number for each request). https://docs.nvidia.com/deeplearning/triton-inference-server/
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emonet_bench.deploy.session import open_session
from emonet_bench.errors import ConfigError
from emonet_bench.files import write_bytes, write_text

_TYPES = {"tensor(float)": "TYPE_FP32", "tensor(int64)": "TYPE_INT64"}
_BATCH = 32


def triton_config(path: Path, *, cuda: bool = False) -> str:
    """Write the configuration for an exported file; it belongs beside a folder ``1`` that holds it as ``model.onnx``.

    A bank's ``task`` has no batch dimension, which Triton's batcher knows nothing of: its requests carry their batch
    themselves, and the task as [1], of which the onnxruntime backend makes the number that the file takes.

    Args:
        path: The file.
        cuda: Compute on a GPU.

    Returns:
        The text, in protobuf's text format.

    Raises:
        ConfigError: It is no ONNX file.
    """
    session = open_session(path, "cpu")
    batched = all(value.shape for value in session.get_inputs())
    kind = "KIND_GPU" if cuda else "KIND_CPU"
    parts = [
        f'name: "{path.name.removesuffix(".onnx")}"',
        'backend: "onnxruntime"',
        f"max_batch_size: {_BATCH if batched else 0}",
        _tensors("input", session.get_inputs(), batched=batched),
        _tensors("output", session.get_outputs(), batched=batched),
        f"instance_group [ {{ count: 1 kind: {kind} }} ]",
        *(["dynamic_batching { max_queue_delay_microseconds: 2000 }"] if batched else []),
        "",
    ]
    return "\n".join(parts)


def write_repository(path: Path, directory: Path) -> Path:
    """Write a model repository of Triton: ``NAME/config.pbtxt`` and ``NAME/1/model.onnx``.

    Args:
        path: The exported file, ``NAME.onnx``.
        directory: The repository; it is made where it is missing, and other models in it are left alone.

    Returns:
        The model's folder.

    Raises:
        ConfigError: It is no ONNX file, or a file stands where the folder belongs.
    """
    config = triton_config(path)
    folder = directory / path.name.removesuffix(".onnx")
    try:
        (folder / "1").mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigError(f"--triton: {error.filename} is a file; name a directory") from error
    write_bytes(folder / "1" / "model.onnx", path.read_bytes())
    write_text(folder / "config.pbtxt", config)
    return folder


def _tensors(kind: str, values: Sequence[Any], *, batched: bool) -> str:
    lines = [f"  {{ {_tensor(value, batched=batched)} }}" for value in values]
    return f"{kind} [\n" + ",\n".join(lines) + "\n]"


def _tensor(value: Any, *, batched: bool) -> str:
    """Describe a tensor without its batch; one number for each row is sent as [1] and reshaped to []."""
    shape = [size if isinstance(size, int) else -1 for size in value.shape][1 if batched else 0 :]
    dims = f"dims: [ {', '.join(map(str, shape or [1]))} ]"
    reshape = " reshape: { shape: [ ] }" if batched and not shape else ""  # Triton takes no reshape to a scalar
    return f'name: "{value.name}" data_type: {_TYPES[value.type]} {dims}{reshape}'
