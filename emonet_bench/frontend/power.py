"""Power spectra of frames, by a fast Fourier transform or, in an exported graph, by matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own convention
from torch.onnx.operators import shape_as_tensor


class Exact(nn.Module):
    """A module whose constants are kept in float64 beside their working copies; ``double()`` finds them unrounded.

    The working copies follow the module's device and dtype, but never below float32.
    """

    def __init__(self) -> None:
        super().__init__()
        self._exact: dict[str, Tensor] = {}

    def constant(self, name: str, value: Tensor) -> None:
        """Register a constant; it is not part of the ``state_dict``."""
        self._exact[name] = value.double()
        self.register_buffer(name, value.float(), persistent=False)

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002 - torch's signature
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, value in self._exact.items():
            moved: Tensor = getattr(self, name)
            setattr(self, name, value.to(moved.device, torch.promote_types(moved.dtype, torch.float32)))
        return self


class Power(Exact):
    """Power spectrum of periodic Hann frames, without centring.

    Args:
        n_fft: Samples of a frame, a multiple of eight.
        hop: Samples from one frame to the next.

    Attributes:
        order: (n_fft / 2 + 1,) the bins, as ``by_products`` orders them.
    """

    window: Tensor
    odd: Tensor
    even: Tensor
    fourth: Tensor
    order: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.constant("window", torch.hann_window(n_fft, dtype=torch.float64))
        bins = torch.arange(n_fft // 2 + 1)
        sets = {"odd": bins[1::2], "even": bins[2::4], "fourth": bins[::4]}
        for name, size in (("odd", n_fft // 2), ("even", n_fft // 4), ("fourth", n_fft // 4)):
            angle = 2 * math.pi / n_fft * torch.outer(torch.arange(size), sets[name]).double()
            self.constant(name, torch.cat([angle.cos(), angle.sin()], 1))  # (size, 2 bins)
        self.register_buffer("order", torch.cat([*sets.values()]), persistent=False)

    def by_fft(self, waveform: Tensor) -> Tensor:
        """Map waveforms (N, S) to power (N, T, n_fft / 2 + 1); rows shorter than a frame are padded to one."""
        if not self.training:  # float32 is off by 3e-3 where a quiet band stands beside a loud one; training bears that
            waveform = waveform.double()
        window = torch.hann_window(self.n_fft, dtype=waveform.dtype, device=waveform.device)
        waveform = F.pad(waveform, (0, max(0, self.n_fft - waveform.shape[1])))
        spectrum: Tensor = torch.fft.rfft(waveform.unfold(1, self.n_fft, self.hop) * window)
        return spectrum.real.square().add_(spectrum.imag.square()).to(self.window.dtype)

    def by_products(self, waveform: Tensor) -> Tensor:
        """Compute the same without complex numbers, bins in ``order``; in a traced graph every size stays dynamic.

        A frame is halved twice as in a fast Fourier transform (decimation in frequency): with h = n_fft / 2, the odd
        bins come from x[n] - x[n + h], the even ones from x[n] + x[n + h], halved again. Five eighths of the products
        are saved.
        """
        frames = self._frames(waveform) * self.window  # (N, T, n_fft)
        half, quarter = self.n_fft // 2, self.n_fft // 4
        odd, both = frames[..., :half] - frames[..., half:], frames[..., :half] + frames[..., half:]
        even, fourth = both[..., :quarter] - both[..., quarter:], both[..., :quarter] + both[..., quarter:]
        squares = [(odd @ self.odd).square(), (even @ self.even).square(), (fourth @ self.fourth).square()]
        bins = [quarter, self.n_fft // 8, self.n_fft // 8 + 1]
        return torch.cat([square[..., :n] + square[..., n:] for square, n in zip(squares, bins, strict=True)], 2)

    def _frames(self, waveform: Tensor) -> Tensor:
        """Cut waveforms (N, S) into frames (N, T, n_fft) by whole blocks, which onnxruntime gathers fastest."""
        block = math.gcd(self.n_fft, self.hop)
        beyond = (shape_as_tensor(waveform)[1] - self.n_fft).clamp_min(0)
        steps = torch.div(beyond, self.hop, rounding_mode="trunc")  # T - 1
        silence = torch.zeros_like(waveform[:, :1]).expand(-1, self.n_fft)
        waveform = torch.cat([waveform, silence], 1)[:, : steps * self.hop + self.n_fft]
        blocks = waveform.reshape(waveform.shape[0], -1, block)
        starts = torch.arange(steps + 1, device=waveform.device) * (self.hop // block)  # type: ignore[call-overload]
        index = starts[:, None] + torch.arange(self.n_fft // block, device=waveform.device)  # (T, blocks of a frame)
        return blocks[:, index].flatten(2)
