"""Augmentation by recording conditions, in training only: silence around the speech, narrow bands."""

from __future__ import annotations

import torch
from torch import Tensor

_STEEPNESS = 16  # twice the order of the Butterworth filter


def add_silence(waveform: Tensor, lengths: Tensor | None, longest: int) -> tuple[Tensor, Tensor | None]:
    """Put silence before and after half of the clips each, one draw for each; the size (N, S) stays.

    Clips move back in their rows, and what no longer fits is cut: at least half of the row is left to the clip.

    Args:
        waveform: (N, S), zero past a clip's length.
        lengths: (N,) valid samples; None: every clip fills its row.
        longest: Most samples of silence at one end.

    Returns:
        Waveforms (N, S) and the lengths, silence included.
    """
    count, size = waveform.shape
    drawn = torch.rand((4, count), device=waveform.device)
    before, after = ((drawn[:2] < 0.5) * drawn[2:] * min(longest, size // 4)).long()  # noqa: PLR2004 - half of them
    own = torch.full_like(before, size) if lengths is None else lengths
    kept = torch.minimum(own, size - before - after)
    place = torch.arange(size, device=waveform.device) - before[:, None]  # (N, S), in the clip
    heard = (place >= 0) & (place < kept[:, None])
    moved = waveform.gather(1, place.clamp(0, size - 1)).masked_fill(~heard, 0)
    return moved, None if lengths is None else (before + kept + after).to(lengths.dtype)


def low_pass(waveform: Tensor, sampling_rate: int, lowest: float) -> Tensor:
    """Remove what lies above a frequency, drawn for each clip: the magnitude of a Butterworth filter of order 8.

    Args:
        waveform: (N, S), zero past a clip's length.
        sampling_rate: Samples per second.
        lowest: The lowest cutoff in Hz; the highest is half of the sampling rate, and octaves are equally likely.
    """
    count, size = waveform.shape
    widest = sampling_rate / 2
    octaves = torch.rand((count, 1), device=waveform.device)
    cutoff = widest * (min(lowest, widest) / widest) ** octaves  # (N, 1)
    hertz = torch.fft.rfftfreq(size, 1 / sampling_rate, device=waveform.device)
    kept = (1 + (hertz / cutoff) ** _STEEPNESS).rsqrt()  # (N, F)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(waveform.float()) * kept, size).to(waveform.dtype)
    return filtered
