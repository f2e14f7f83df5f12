"""Residual adapters: small parts beside or after the shared layers of a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention


class ConvAdapter(nn.Module):
    """A parallel 1x1 convolution (Rebuffi et al., 2018, "Efficient parametrization of multi-domain deep networks").

    It starts at zero: the adapted network is the source's function until it learns.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        stride: Step of the convolution beside it.
        rank: Inner size of a factorised kernel, or None for a full one.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, rank: int | None = None) -> None:
        super().__init__()
        self.stride = stride
        if rank is None:
            self.weight = nn.Parameter(torch.zeros(outputs, inputs))
        else:
            self.down = nn.Parameter(torch.empty(rank, inputs))
            self.up = nn.Parameter(torch.zeros(outputs, rank))
            nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def kernel(self) -> Tensor:
        """Return the kernel (outputs, inputs)."""
        return self.weight if hasattr(self, "weight") else self.up @ self.down

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (N, inputs, M, T) to (N, outputs, M / stride, T / stride)."""
        # Subsampled first: the same function as a strided convolution, whose backward pass in bfloat16 on CPU corrupts
        # memory in torch 2.11.
        inputs = inputs[..., :: self.stride, :: self.stride]
        return F.conv2d(inputs, self.kernel()[:, :, None, None])


class SequenceAdapter(nn.Module):
    """A residual bottleneck (Houlsby et al., 2019): layer norm, down, ReLU, up, added. It starts as a no-op.

    Args:
        dim: Features D of the sequence.
        reduction: Factor by which the bottleneck is narrower.
    """

    def __init__(self, dim: int, reduction: int = 4) -> None:
        super().__init__()
        hidden = max(1, dim // reduction)
        self.norm = nn.LayerNorm(dim)
        self.down = nn.Linear(dim, hidden)
        self.up = nn.Linear(hidden, dim)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (N, T, D) to (N, T, D)."""
        adapted: Tensor = inputs + self.up(F.relu(self.down(self.norm(inputs))))
        return adapted
