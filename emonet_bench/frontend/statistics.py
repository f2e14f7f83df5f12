"""Statistics of a clip over its own frames."""

from __future__ import annotations

import torch
from torch import Tensor


def clip_mean(values: Tensor, mask: Tensor | None) -> Tensor:
    """Average (N, bands, T) over bands and valid frames: (N, 1, 1)."""
    if mask is None and not torch.onnx.is_in_onnx_export():
        return values.mean((1, 2), keepdim=True)
    if mask is None:  # in two steps: onnxruntime adds a row up one by one, and over a minute at once digits are lost
        return values.mean(1, keepdim=True).mean(2, keepdim=True)
    return (values * mask).mean(1, keepdim=True).sum(2, keepdim=True) / mask.sum(2, keepdim=True)


def normalised(features: Tensor, mask: Tensor | None) -> Tensor:
    """Give each clip of (N, bands, T) zero mean and unit variance over its bands and valid frames.

    One mean for all bands takes away the recording's level alone; one for each would also take away its spectral slope
    and peaks, which tell emotions apart. Silence becomes zero.
    """
    centred = features - features[:, :1, :1]  # equal cells, as in silence, are then zero without rounding
    centred = centred - clip_mean(centred, mask)
    return centred * (clip_mean(centred.square(), mask) + 1e-2).rsqrt()
