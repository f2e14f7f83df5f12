"""Sliding windows: what evaluation, and so the exported model, hears of a clip.

All of it, its centre window, or windows all over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.types import InputSpec


def aggregate_windows(
    compute: Callable[[Tensor, Tensor], Sequence[Tensor]], waveform: Tensor, lengths: Tensor, input_spec: InputSpec
) -> tuple[Tensor, ...]:
    """Compute rows of whole clips, of their centre windows, or the mean over their windows.

    Of logits, the mean over windows is the logarithm of the normalised geometric mean of their probabilities.

    Args:
        compute: Maps waveforms (N, S) and valid samples (N,) to tensors of N rows.
        waveform: (N, S).
        lengths: (N,) valid samples.
        input_spec: Its window is what is cut; None: whole clips. Its hop lies between windows; None: the centre window.

    Returns:
        The tensors, a row for each clip.
    """
    if input_spec.window is None or input_spec.hop is None:
        return tuple(compute(*centre_crop(waveform, lengths, input_spec)))
    crops, kept, valid = windows(waveform, lengths, input_spec.window, input_spec.hop)
    rows = compute(crops.flatten(0, 1), kept.flatten())
    return tuple(_mean(row.reshape(*valid.shape, -1), valid) for row in rows)


def centre_crop(waveform: Tensor, lengths: Tensor, input_spec: InputSpec) -> tuple[Tensor, Tensor]:
    """Cut the centred window out of every clip; shorter clips are padded with zeros.

    Args:
        waveform: (N, S).
        lengths: (N,) valid samples.
        input_spec: Its window is the crop; None returns the clips as they are.

    Returns:
        (N, window) and the valid samples of each row.
    """
    if input_spec.window is None:
        return waveform, lengths
    start = torch.div((lengths - input_spec.window).clamp_min(0), 2, rounding_mode="trunc")  # (N,)
    columns = start[:, None] + torch.arange(input_spec.window, device=waveform.device)  # (N, window)
    waveform = F.pad(waveform, (0, input_spec.window))  # so that every column exists
    kept = lengths.clamp_max(input_spec.window)
    valid = torch.arange(input_spec.window, device=waveform.device) < kept[:, None]
    return waveform.gather(1, columns) * valid, kept


def windows(waveform: Tensor, lengths: Tensor, window: int, hop: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cut every clip into windows; the last one ends with the clip, and a short clip is one window, padded with zeros.

    >>> crops, kept, valid = windows(torch.arange(1.0, 8.0)[None], torch.tensor([7]), window=4, hop=2)
    >>> crops.tolist(), kept.tolist(), valid.tolist()
    ([[[1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0], [4.0, 5.0, 6.0, 7.0]]], [[4, 4, 4]], [[True, True, True]])

    Args:
        waveform: (N, S).
        lengths: (N,) valid samples.
        window: Samples of a window.
        hop: Samples from one window to the next.

    Returns:
        Windows (N, W, window), W being what the longest clip has; the valid samples of each (N, W); and which of them
        are the clip's (N, W): the others repeat its last one.
    """
    rest = (lengths - window).clamp_min(0)  # (N,) samples after the first window
    count = 1 + torch.div(rest + hop - 1, hop, rounding_mode="trunc")  # (N,)
    number = torch.arange(cast("Any", count.max()), device=waveform.device)  # (W,), a tensor to the end: traced
    starts = torch.minimum(number * hop, rest[:, None])  # (N, W)
    columns = starts[:, :, None] + torch.arange(window, device=waveform.device)  # (N, W, window)
    kept = lengths.clamp_max(window)[:, None].expand_as(starts)  # (N, W)
    crops = F.pad(waveform, (0, window)).gather(1, columns.flatten(1)).reshape(columns.shape)
    inside = torch.arange(window, device=waveform.device) < kept[:, :, None]
    return crops * inside, kept, number < count[:, None]


def _mean(rows: Tensor, valid: Tensor) -> Tensor:
    """Average rows (N, W, D) over the valid ones; minus infinity, a label that is not there, stays."""
    kept = torch.where(valid[:, :, None], rows, torch.zeros_like(rows))
    return kept.sum(1) / valid.sum(1, keepdim=True)
