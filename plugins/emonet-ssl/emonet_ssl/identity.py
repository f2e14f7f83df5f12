"""The identity of frozen features: a hash of the tensors that make them, and of how."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from emonet_bench.networks import PerCorpus
from emonet_ssl.backbone import Backbone

VERSION = 1
"""Counts changes of what the code makes of the same weights."""


def frozen_identity(backbone: Backbone, split: int, how: object) -> str | None:
    """Hash what the frozen part of a backbone is.

    Args:
        backbone: Its layers below the split and what stands before them are frozen.
        split: The layer that is the first above.
        how: Whatever else decides what is kept.

    Returns:
        A hash that is the same on every device and in every precision; None where a part belongs to one corpus.
    """
    parts = dict(_parts(backbone, split))
    if any(isinstance(module, PerCorpus) for part in parts.values() for module in part.modules()):
        return None
    digest = hashlib.sha256(repr((VERSION, type(backbone).__name__, split, how)).encode())
    for name, tensor in _tensors(backbone, parts):
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _parts(backbone: Backbone, split: int) -> Iterator[tuple[str, nn.Module]]:
    for name, module in backbone.named_children():
        if name != "layers":
            yield name, module
    for i, layer in enumerate(backbone.layers[:split]):
        yield f"layers.{i}", layer


def _tensors(backbone: Backbone, parts: dict[str, nn.Module]) -> Iterator[tuple[str, Tensor]]:
    yield from backbone.named_buffers(recurse=False)
    for path, part in parts.items():
        for name, tensor in (*part.named_parameters(), *part.named_buffers()):
            yield f"{path}.{name}", tensor
