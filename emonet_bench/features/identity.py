"""Identity of a frozen part: one hash of its weights, its options and its code."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


def identify(options: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None, code: Iterable[type] = ()) -> str:
    """Identify a frozen part, as ``Network.frozen_id`` does: another weight, option or line of code is another one.

    Args:
        options: What it was built with, as far as it changes the features; anything that JSON holds.
        tensors: Its weights, by name.
        code: The classes that compute it; the files that define them are hashed.

    Returns:
        32 hexadecimal digits of a SHA-256.
    """
    found = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    for name, tensor in sorted((tensors or {}).items()):
        content = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(content.numpy().data)
    for digest in sorted({_digest(inspect.getfile(kind)) for kind in code}):
        found.update(digest.encode())
    return found.hexdigest()[:32]


@cache
def _digest(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
