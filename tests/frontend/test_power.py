"""Power spectra against NumPy's transform, with and without complex numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from emonet_bench.frontend.power import Exact, Power
from tests.frontend.made import speechlike


@pytest.mark.parametrize(("n_fft", "hop"), [(256, 80), (24, 7)])
def test_the_power_is_numpys_of_periodic_hann_frames(n_fft, hop):
    clip = speechlike(5 * n_fft + 3)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    starts = range(0, len(clip) - n_fft + 1, hop)
    expected = [np.abs(np.fft.rfft(window * clip[start : start + n_fft])) ** 2 for start in starts]
    found = Power(n_fft, hop).double().eval().by_fft(torch.from_numpy(clip)[None])
    np.testing.assert_allclose(found[0], expected, atol=1e-12 * n_fft)


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 512), (400, 160), (24, 7), (8, 1), (40, 60)])
def test_the_exported_transform_equals_the_fast_one(n_fft, hop):
    power = Power(n_fft, hop).double().eval()
    for samples in (1, n_fft, 5 * n_fft + 3):
        waveform = torch.from_numpy(speechlike(samples))[None]
        expected = power.by_fft(waveform)[..., power.order]
        np.testing.assert_allclose(power.by_products(waveform), expected, atol=1e-12 * n_fft)


@pytest.mark.parametrize("name", ["by_fft", "by_products"])
@pytest.mark.parametrize("samples", [1, 63, 64])
def test_a_clip_shorter_than_a_frame_is_padded_to_one(name, samples):
    clip = torch.from_numpy(speechlike(samples))[None]
    power = Power(64, 16).double().eval()
    padded = torch.nn.functional.pad(clip, (0, 64 - samples))
    found = getattr(power, name)(clip)
    assert found.shape == (1, 1, 33)
    torch.testing.assert_close(found, getattr(power, name)(padded))


def test_a_quiet_band_beside_a_loud_one_keeps_its_power_in_evaluation():
    time = torch.arange(1024) / 1024
    clip = (torch.sin(2 * torch.pi * 100 * time) + 1e-4 * torch.sin(2 * torch.pi * 300 * time))[None]
    found = Power(1024, 512).eval().by_fft(clip)
    expected = Power(1024, 512).double().eval().by_fft(clip.double())
    torch.testing.assert_close(found[0, 0, 300], expected[0, 0, 300].float(), rtol=1e-6, atol=0)


def test_the_order_of_the_bins_holds_each_of_them_once():
    assert Power(24, 8).order.sort().values.tolist() == list(range(13))


def test_a_constant_is_unrounded_in_float64_never_below_float32_and_not_in_the_state():
    module = Exact()
    third = torch.tensor([1.0], dtype=torch.float64) / 3
    module.constant("third", third)
    assert module.third.dtype == torch.float32
    assert module.to(torch.bfloat16).third.dtype == torch.float32
    assert torch.equal(module.float().double().third, third)
    assert not module.state_dict()
