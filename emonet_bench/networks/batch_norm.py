"""Batch norm whose statistics come from valid cells only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention

_ETA = 3  # of the polynomial-decay average


class MaskedBatchNorm(nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch offers no public parent for all ranks
    """Batch norm whose statistics come from valid cells only (Ioffe & Szegedy, 2015).

    Epsilon and momentum default to Keras' (1e-3, and 0.99 in Keras' counting), as in EmoNet. As long as few batches
    have been seen, the running statistics are their polynomial-decay average (Shamir & Zhang, 2013, with eta 3): with
    the momentum alone, a short training would end with statistics that still remember their start.
    """

    momentum: float
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, features: int, *, eps: float = 1e-3, momentum: float = 0.01) -> None:
        super().__init__(features, eps=eps, momentum=momentum)
        self._seen = 0

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        """Take any rank: channels stand second."""

    def reset_statistics(self) -> None:
        """Begin the running statistics anew with the next batch in training; until then they stay as they are."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.zero_()
        self._seen = 0

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        """Switch to training; the count of batches is read here, so that no step waits for a GPU."""
        if mode and self.num_batches_tracked is not None:
            self._seen = int(self.num_batches_tracked)
        return super().train(mode)

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise (N, C, ...) by the cells where ``mask`` (N, 1, ..., broadcastable) is one; None: all are valid."""
        if not self.training:
            return super().forward(inputs)
        self._seen += 1
        self.num_batches_tracked += 1
        rate = max(self.momentum, (_ETA + 1) / (self._seen + _ETA))
        if mask is None:
            return F.batch_norm(
                inputs,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                training=True,
                momentum=rate,
                eps=self.eps,
            )
        return self._masked(inputs.float() if inputs.dtype == torch.bfloat16 else inputs, mask, rate).to(inputs.dtype)

    def _masked(self, inputs: Tensor, mask: Tensor, rate: float) -> Tensor:
        axes = [axis for axis in range(inputs.dim()) if axis != 1]
        shape = [1, -1] + [1] * (inputs.dim() - 2)
        count = mask.expand(inputs.shape[0], 1, *inputs.shape[2:]).sum()
        mean = (inputs * mask).sum(axes) / count
        centred = inputs - mean.view(shape)
        variance = (centred.square() * mask).sum(axes) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, rate)
            self.running_var.lerp_(variance * count / (count - 1).clamp_min(1), rate)
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale.view(shape) + self.bias.view(shape)


@contextmanager
def kept_statistics(network: nn.Module) -> Iterator[None]:
    """Let a network train on a batch that leaves the running statistics of its batch norms as they were."""
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001
    before = [{name: buffer.clone() for name, buffer in norm.named_buffers()} for norm in norms]
    seen = [norm._seen if isinstance(norm, MaskedBatchNorm) else 0 for norm in norms]  # noqa: SLF001
    yield
    for norm, buffers, count in zip(norms, before, seen, strict=True):
        for name, buffer in norm.named_buffers():
            buffer.copy_(buffers[name])
        if isinstance(norm, MaskedBatchNorm):
            norm._seen = count  # noqa: SLF001
