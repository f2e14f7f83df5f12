"""The residual network: units of one convolution, blocks of two units, and the trunk of three stages of blocks.

Feature maps are (N, channels, M, T) with M mel bands and T frames; masks are (N, 1, 1, T), one in a clip's own frames,
or None where all are. Masked cells of every feature map are zero, so no convolution hears them.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.networks import MaskedBatchNorm, active
from emonet_bench.types import AdapterPoint
from emonet_cnn.options import ResNetOptions


class Convolution(nn.Conv2d):
    """A 3x3 convolution, padded as in EmoNet: at stride 2 an even mel axis gets one cell, at its end only.

    The time axis is padded by one cell on each side whatever its length, so that a clip's frames do not shift with the
    batch's padding; on an odd number of frames that is EmoNet's padding, too.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        mels: Size M of the input's mel axis.
        stride: 1 or 2, on both axes.

    Attributes:
        tap: Row and column of the kernel that meet cell (0, 0) first: a 1x1 convolution of the same stride is a 3x3
            with this tap alone.
    """

    def __init__(self, inputs: int, outputs: int, mels: int, stride: int = 1) -> None:
        self.tap = (0 if stride == 2 and mels % 2 == 0 else 1, 1)  # noqa: PLR2004
        super().__init__(inputs, outputs, 3, stride, padding=self.tap, bias=False)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (N, inputs, M, T) to (N, outputs, ceil(M / stride), ceil(T / stride))."""
        return super().forward(inputs if self.tap[0] else F.pad(inputs, (0, 0, 0, 1)))

    def absorb(self, kernel: Tensor) -> None:
        """Add a 1x1 convolution (outputs, inputs) of the same stride."""
        with torch.no_grad():
            self.weight[:, :, *self.tap] += kernel


class ConvUnit(nn.Module):
    """A convolution, a corpus's adapter beside it where there is one, and a batch norm.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        mels: Size of the input's mel axis.
        stride: 1 or 2.
        dropout: Acts on the convolution's input, or on the adapter's alone where there is one.
        momentum: Of the batch norm.
    """

    def __init__(
        self, inputs: int, outputs: int, mels: int, *, stride: int = 1, dropout: float = 0.0, momentum: float = 0.01
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.conv = Convolution(inputs, outputs, mels, stride)
        self.adapter: nn.Module | None = None
        self.norm = MaskedBatchNorm(outputs, momentum=momentum)

    def forward(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """Map (N, inputs, M, T) to (N, outputs, M', T'); ``mask`` is the output's."""
        if self.adapter is None:
            outputs = self.conv(self.dropout(inputs))
        else:
            outputs = self.conv(inputs) + self.adapter(self.dropout(inputs))
        return _masked(self.norm(outputs, mask), mask)

    def fold(self) -> nn.Module:
        """Return the unit's equal for inference: one convolution with a bias.

        An adapter that has no ``kernel()`` is not a 1x1 convolution; the unit then stays as it is.
        """
        adapter: Any = None if self.adapter is None else active(self.adapter)
        if adapter is not None and not hasattr(adapter, "kernel"):
            return self
        norm: Any = active(self.norm)
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        conv = copy.deepcopy(self.conv)
        if adapter is not None:
            conv.absorb(adapter.kernel())
        conv.weight = nn.Parameter((conv.weight * scale[:, None, None, None]).detach())
        conv.bias = nn.Parameter((norm.bias - norm.running_mean * scale).detach())
        return FoldedUnit(conv)

    def absorb(self, kernel: Tensor) -> None:
        """Make an adapter's kernel (outputs, inputs) part of the convolution."""
        self.conv.absorb(kernel)

    def adapter_points(self) -> list[AdapterPoint]:
        """Name the adapter's slot and the batch norm."""
        inputs, outputs, (stride, _) = self.conv.in_channels, self.conv.out_channels, self.conv.stride
        return [
            AdapterPoint("adapter", "conv", inputs, outputs, stride),
            AdapterPoint("norm", "norm", outputs, outputs),
        ]


class FoldedUnit(nn.Module):
    """A ``ConvUnit`` at inference."""

    def __init__(self, conv: Convolution) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """Map (N, inputs, M, T) to (N, outputs, M', T'); ``mask`` is the output's."""
        return _masked(self.conv(inputs), mask)


class Block(nn.Module):
    """Two units and a shortcut around them; at stride 2 the shortcut averages 2x2 cells and adds empty channels."""

    def __init__(self, inputs: int, outputs: int, mels: int, stride: int, options: ResNetOptions) -> None:
        super().__init__()
        first, second = options.dropout
        momentum = options.norm_momentum
        self.stride = stride
        self.more = outputs - inputs
        self.first = ConvUnit(inputs, outputs, mels, stride=stride, dropout=first, momentum=momentum)
        self.second = ConvUnit(outputs, outputs, -(-mels // stride), dropout=second, momentum=momentum)

    def forward(self, inputs: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Map (N, inputs, M, T) and its mask to (N, outputs, M', T') and its mask."""
        shortcut = inputs if self.stride == 1 else average_pool(inputs, mask, (2, 2), partial=True)
        mask = None if mask is None else mask[..., :: self.stride]
        outputs = self.second(F.relu(self.first(inputs, mask)), mask)
        if self.more:
            shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, self.more))
        return F.relu(outputs + shortcut), mask


class Trunk(nn.Module):
    """Spectrogram to feature map: a stem unit and three stages of blocks with 2, 4 and 8 times its filters.

    Args:
        mels: Bands of the spectrogram.
        options: Sizes.

    Attributes:
        channels: Channels of the feature map.
        rows: Size M' of its mel axis.
    """

    def __init__(self, mels: int, options: ResNetOptions) -> None:
        super().__init__()
        width, momentum = options.number_of_filters * options.widen_factor, options.norm_momentum
        self.input_norm = MaskedBatchNorm(1, momentum=momentum) if options.input_bn else None
        self.stem = ConvUnit(1, width, mels, momentum=momentum)
        self.blocks = nn.ModuleList()
        for _ in range(3):
            self.blocks.append(Block(width, 2 * width, mels, 2, options))
            width, mels = 2 * width, -(-mels // 2)
            self.blocks += [Block(width, width, mels, 1, options) for _ in range(options.number_of_resnet_blocks - 1)]
        self.norm = MaskedBatchNorm(width, momentum=momentum)
        self.channels, self.rows = width, mels
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # feature maps follow their kernels; faster on CPU and on GPU

    def forward(self, features: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Map a spectrogram (N, M, T) and its mask (N, 1, T) to a feature map (N, channels, rows, T') and its mask."""
        maps, mask = features[:, None], None if mask is None else mask[:, None]
        if self.input_norm is not None:
            maps = _masked(self.input_norm(maps, mask), mask)
        maps = self.stem(maps, mask)
        for block in self.blocks:
            maps, mask = block(maps, mask)
        return _masked(F.relu(self.norm(maps, mask)), mask), mask

    def ordered_layers(self) -> Sequence[nn.Module]:
        """Return the stem and the blocks, each with the batch norm next to it."""
        first = nn.ModuleList(part for part in (self.input_norm, self.stem) if part is not None)
        *blocks, last = self.blocks
        return [first, *blocks, nn.ModuleList([last, self.norm])]

    def adapter_points(self, prefix: str = "") -> Mapping[str, AdapterPoint]:
        """Name the places for per-corpus parts; ``prefix`` is the path to this module."""
        points = [
            dataclasses.replace(point, path=f"{path}.{point.path}")
            for path, unit in self.named_modules()
            if isinstance(unit, ConvUnit)
            for point in unit.adapter_points()
        ]
        points.append(AdapterPoint("norm", "norm", self.channels, self.channels))
        if self.input_norm is not None:
            points.append(AdapterPoint("input_norm", "norm", 1, 1))
        return {prefix + point.path: dataclasses.replace(point, path=prefix + point.path) for point in points}


def average_pool(maps: Tensor, mask: Tensor | None, size: tuple[int, int], *, partial: bool) -> Tensor:
    """Average windows of ``size`` cells side by side from cell 0 on, over the valid cells of each.

    Args:
        maps: (N, C, M, T), zero where masked.
        mask: (N, 1, 1, T) or None.
        size: Rows and columns of a window.
        partial: Whether a window that reaches over the end counts, with the cells that it has.

    Returns:
        (N, C, M / rows, T / columns), rounded up where ``partial`` and down otherwise; zero where no cell is valid.
    """
    pooled = F.avg_pool2d(maps, size, ceil_mode=partial)
    if mask is None:
        return pooled
    share = F.avg_pool2d(mask, (1, size[1]), ceil_mode=partial)  # how many of each window's cells are valid
    return pooled / share.clamp_min(1 / size[1])


def _masked(maps: Tensor, mask: Tensor | None) -> Tensor:
    return maps if mask is None else maps * mask
