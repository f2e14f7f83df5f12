"""Adapter parts that change nothing until they are stirred."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from emonet_bench.types import AdapterPoint


def batch_norms(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the batch norms within a module."""
    return (part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm))  # noqa: SLF001


@torch.no_grad()
def stir(module: nn.Module) -> None:
    """Add noise to all parameters and to the statistics of batch norms."""
    for parameter in module.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    for norm in batch_norms(module):
        norm.running_mean.normal_(std=0.3)  # type: ignore[operator]
        norm.running_var.uniform_(0.5, 1.5)  # type: ignore[operator]


def idle_part(point: AdapterPoint, present: nn.Module | None) -> nn.Module:
    """Make a part that changes nothing yet."""
    if present is not None:
        return copy.deepcopy(present)
    part = _Beside(point) if point.kind == "conv" else _After(point)
    return part.double()


class _Beside(nn.Module):
    """Adds nothing to a convolution."""

    def __init__(self, point: AdapterPoint) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(point.outputs, point.inputs, 1, 1))
        self.stride = point.stride

    def forward(self, inputs: Tensor) -> Tensor:
        return nn.functional.conv2d(inputs, self.kernel, stride=self.stride)


class _After(nn.Module):
    """Leaves a sequence as it is."""

    def __init__(self, point: AdapterPoint) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(point.outputs, point.inputs))
        self.shift = nn.Parameter(torch.zeros(point.outputs))

    def forward(self, sequence: Tensor) -> Tensor:
        return sequence + nn.functional.linear(sequence, self.matrix, self.shift)
