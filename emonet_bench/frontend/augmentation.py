"""Augmentation of waveforms and spectrograms, in training only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own convention

from emonet_bench.frontend.options import FrontEndOptions
from emonet_bench.frontend.statistics import clip_mean


def augment_waveform(
    waveform: Tensor, lengths: Tensor | None, options: FrontEndOptions
) -> tuple[Tensor, Tensor | None]:
    """Change speed (one draw for the batch), loudness and noise (one draw for each clip); the size (N, S) stays.

    Args:
        waveform: (N, S); what lies past a clip's length is ignored.
        lengths: (N,) valid samples; None: every clip fills its row.
        options: How much.

    Returns:
        Waveforms (N, S), and the lengths that speed has left of them.
    """
    if lengths is not None and (options.speed or options.noise is not None):  # both would hear what is not the clip's
        past = torch.arange(waveform.shape[1], device=waveform.device) >= lengths[:, None]
        waveform = waveform.masked_fill(past, 0)
    if options.speed:
        waveform, lengths = change_speed(waveform, lengths, options.speed)
    if options.gain:
        waveform = change_gain(waveform, options.gain)
    if options.noise is not None:
        waveform = add_noise(waveform, lengths, options.noise)
    return waveform, lengths


def change_speed(waveform: Tensor, lengths: Tensor | None, share: float) -> tuple[Tensor, Tensor | None]:
    """Play a batch faster or slower by up to a share, in one draw.

    Args:
        waveform: (N, S), zero past a clip's length.
        lengths: (N,) valid samples; None: every clip fills its row.
        share: Most of it, such as 0.1.

    Returns:
        Waveforms (N, S) and what is left of the lengths.
    """
    percent = 100 + round(100 * share * (2 * float(torch.rand(())) - 1))
    return (waveform, lengths) if percent == 100 else _faster(waveform, lengths, percent)  # noqa: PLR2004


def change_gain(waveform: Tensor, decibels: float) -> Tensor:
    """Make each clip of (N, S) louder or softer by up to so many decibels."""
    drawn = decibels * (2 * torch.rand((len(waveform), 1), device=waveform.device) - 1)
    return waveform * 10 ** (drawn / 20)


def add_noise(waveform: Tensor, lengths: Tensor | None, snr: float, share: float = 1.0) -> Tensor:
    """Add white noise to each clip, or to a share of them.

    Args:
        waveform: (N, S), zero past a clip's length.
        lengths: (N,) valid samples; None: every clip fills its row.
        snr: Lowest signal-to-noise ratio in dB; the highest is 20 dB above.
        share: How likely a clip is to get noise.
    """
    decibels = snr + 20 * torch.rand((len(waveform), 1), device=waveform.device)
    valid = waveform.shape[1] if lengths is None else lengths[:, None]
    power = waveform.square().sum(1, keepdim=True) / valid
    noise = torch.randn_like(waveform) * (power * 10 ** (-decibels / 10)).sqrt()
    if share < 1:  # no draw where all of them get it, so that older recipes train to the same bits
        noise = noise * (torch.rand((len(waveform), 1), device=waveform.device) < share)
    return waveform + noise


def _faster(waveform: Tensor, lengths: Tensor | None, percent: int) -> tuple[Tensor, Tensor | None]:
    from torchaudio.functional import resample  # noqa: PLC0415 - seconds of import

    size = waveform.shape[1]
    changed = resample(waveform, percent, 100)
    if lengths is None:  # a row that became too short starts again: rows stay full
        return changed.repeat(1, 2)[:, :size], None
    changed = F.pad(changed, (0, max(0, size - changed.shape[1])))[:, :size]
    return changed, torch.div(lengths * 100, percent, rounding_mode="floor").clamp(1, size)


def augment_features(features: Tensor, mask: Tensor | None, options: FrontEndOptions) -> Tensor:
    """Add noise and hide stretches of time and frequency behind the clip's mean (Park et al., 2019, SpecAugment)."""
    if options.random_noise is not None:
        features = features + options.random_noise * torch.randn_like(features)
    stretches: tuple[Stretches, ...] = (
        ("time", options.time_masks, options.time_mask_width),
        ("frequency", options.freq_masks, options.freq_mask_width),
    )
    return hide_stretches(features, mask, stretches)


Stretches = tuple[Literal["time", "frequency"], int, int]
"""The axis of stretches, how many there are and how wide they may be."""


def hide_stretches(features: Tensor, mask: Tensor | None, stretches: Sequence[Stretches]) -> Tensor:
    """Hide stretches of time and frequency of each clip behind its mean (Park et al., 2019, SpecAugment).

    Args:
        features: (N, bands, T).
        mask: (N, 1, T), one in the clip's own frames; None: all of them.
        stretches: Of which axis, how many, and how wide at most; never wider than half of the axis.
    """
    if not any(count for _, count, _ in stretches):
        return features
    from torchaudio.functional import mask_along_axis_iid  # noqa: PLC0415 - seconds of import

    mean = clip_mean(features, mask)
    hidden = (features - mean)[:, None]  # (N, 1, mels, T)
    for axis, count, width in stretches:
        for _ in range(count):
            hidden = mask_along_axis_iid(hidden, width, 0.0, 3 if axis == "time" else 2, p=0.5)
    return hidden[:, 0] + mean
