"""Signals made for tests of the front end."""

from __future__ import annotations

import numpy as np
import torch

from emonet_bench.frontend.options import FrontEndOptions

SMALL = FrontEndOptions(num_mels=20, n_fft=256, hop=80)


def speechlike(samples: int, seed: int = 0) -> np.ndarray:
    """A few harmonics with a slow envelope over a little noise."""
    time = np.arange(samples) / 16_000
    tones = sum(np.sin(2 * np.pi * 180 * k * time) / k for k in range(1, 9))
    noise = np.random.default_rng(seed).standard_normal(samples)
    return 0.1 * tones * np.sin(2 * np.pi * 3 * time + seed) ** 2 + 1e-3 * noise


def batch(lengths: list[int], dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """Clips of these lengths, with loud rubbish past their ends."""
    waveform = torch.full((len(lengths), max(lengths) + 500), 0.7, dtype=dtype)
    for row, length in enumerate(lengths):
        waveform[row, :length] = torch.from_numpy(speechlike(length, row))
    return waveform, torch.tensor(lengths)
