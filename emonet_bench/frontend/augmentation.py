"""Augmentation of waveforms and spectrograms, in training only."""

from __future__ import annotations

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
    percent = 100 + round(100 * options.speed * (2 * float(torch.rand(())) - 1)) if options.speed else 100
    if percent != 100:  # noqa: PLR2004
        waveform, lengths = _faster(waveform, lengths, percent)
    one_each = (len(waveform), 1)
    if options.gain:
        decibels = options.gain * (2 * torch.rand(one_each, device=waveform.device) - 1)
        waveform = waveform * 10 ** (decibels / 20)
    if options.noise is not None:
        decibels = options.noise + 20 * torch.rand(one_each, device=waveform.device)
        valid = waveform.shape[1] if lengths is None else lengths[:, None]
        power = waveform.square().sum(1, keepdim=True) / valid
        waveform = waveform + torch.randn_like(waveform) * (power * 10 ** (-decibels / 10)).sqrt()
    return waveform, lengths


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
    if not options.time_masks and not options.freq_masks:
        return features
    from torchaudio.functional import mask_along_axis_iid  # noqa: PLC0415 - seconds of import

    mean = clip_mean(features, mask)
    hidden = (features - mean)[:, None]  # (N, 1, mels, T)
    for axis, count, width in (
        (3, options.time_masks, options.time_mask_width),
        (2, options.freq_masks, options.freq_mask_width),
    ):
        for _ in range(count):
            hidden = mask_along_axis_iid(hidden, width, 0.0, axis, p=0.5)
    return hidden[:, 0] + mean
