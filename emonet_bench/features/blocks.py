"""Blocks: files of the feature store with the features of some clips, written once and checked by checksums."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from emonet_bench.files import atomic_path

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Block:
    """The features of some clips, memory-mapped.

    Attributes:
        path: The file.
        rows: For each clip's digest its features: (...), or (T, ...) where they are a sequence.
        checksums: The CRC-32 of each.
        sequence: Whether they are sequences.
    """

    path: Path
    rows: Mapping[bytes, Tensor]
    checksums: Mapping[bytes, int]
    sequence: bool

    def holds(self, digest: bytes) -> bool:
        """Tell whether a clip's features are as they were written."""
        return _checksum(self.rows[digest]) == self.checksums[digest]


def write_block(path: Path, rows: Mapping[bytes, Tensor], *, sequence: bool) -> None:
    """Write a block, all of it or nothing.

    Args:
        path: Its place.
        rows: For each clip's digest (32 bytes) its features, of one dtype; sequences differ in their first size only.
        sequence: Whether they are sequences.
    """
    parts = list(rows.values())
    index = {
        "digests": torch.tensor([list(digest) for digest in rows], dtype=torch.uint8),  # (B, 32)
        "frames": torch.tensor([len(part) if sequence else 1 for part in parts]),  # (B,)
        "checksums": torch.tensor([_checksum(part) for part in parts]),  # (B,)
    }
    values = torch.cat(parts) if sequence else torch.stack(parts)
    header = {"sequence": str(int(sequence)), "index": str(_index_checksum(index))}
    with atomic_path(path) as temporary:
        save_file({"values": values, **index}, temporary, header)


def read_block(path: Path) -> Block | None:
    """Map a block into memory; None where the file is no whole one."""
    if not path.is_file():  # opening a pipe would wait for somebody to write to it
        return None
    try:
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata() or {}
            index = {name: opened.get_tensor(name) for name in ("digests", "frames", "checksums")}
            values = opened.get_tensor("values")
        sequence = header["sequence"] == "1"
        if str(_index_checksum(index)) != header["index"]:
            return None
    except (OSError, SafetensorError, KeyError):
        return None
    digests = [bytes(row) for row in index["digests"].tolist()]
    ends = [0, *index["frames"].cumsum(0).tolist()]
    parts: Sequence[Tensor] = [values[i:j] for i, j in pairwise(ends)] if sequence else values.unbind()
    rows = dict(zip(digests, parts, strict=True))
    return Block(path, rows, dict(zip(digests, index["checksums"].tolist(), strict=True)), sequence)


def _checksum(row: Tensor) -> int:
    return zlib.crc32(row.contiguous().view(-1).view(torch.uint8).numpy().data)


def _index_checksum(index: Mapping[str, Tensor]) -> int:
    return zlib.crc32(b"".join(index[name].numpy().tobytes() for name in sorted(index)))
