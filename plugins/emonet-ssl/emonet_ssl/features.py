"""Frozen features: what the part of a network that does not train makes of each clip."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from emonet_bench.types import FrozenFeatures
from emonet_ssl.backbone import Frames, valid

PIECE = 8
"""Clips of a batch that are run at once in training."""


def packed(states: list[Tensor], frames: Frames) -> FrozenFeatures:
    """Put hidden states into one sequence.

    Args:
        states: (N, T, width) each.
        frames: Which of their frames count.

    Returns:
        The states side by side and, last, one in a clip's own frames and zero in those that it is merely followed by:
        (N, T, states x width + 1). Valid are the frames that the next layer looks at.
    """
    hidden = states[-1]
    own = torch.ones_like(hidden[..., 0]) if frames.own is None else frames.own.to(hidden.dtype)
    attended = torch.ones_like(own) if frames.attended is None else frames.attended
    return FrozenFeatures(torch.cat([*states, own[..., None]], 2), attended.sum(1).long())


def unpacked(features: FrozenFeatures, width: int) -> tuple[list[Tensor], Frames]:
    """Undo ``packed``."""
    assert features.lengths is not None
    values, own = features.values[..., :-1], features.values[..., -1]
    attended = valid(features.lengths, values.shape[1], values)
    states = list(torch.split(values, width, 2))
    return states, Frames(states[-1], own.to(attended.dtype) * attended, attended)


def in_pieces(features: FrozenFeatures, compute: Callable[[FrozenFeatures], Tensor]) -> Tensor:
    """Compute rows of sequences, a few clips of similar length at once: little is padded, and less memory is held.

    Args:
        features: Sequences (N, T, D) with their lengths (N,).
        compute: Computes rows of some of them, each clip's whatever stands beside it.

    Returns:
        (N, ...), in the order of the clips.
    """
    assert features.lengths is not None
    order = features.lengths.argsort(stable=True)
    rows = []
    for places in torch.split(order, PIECE):
        lengths = features.lengths[places]
        rows.append(compute(FrozenFeatures(features.values[places, : int(lengths[-1])], lengths)))
    return torch.cat(rows)[order.argsort()]
