"""A clip's statistics are those of its own frames, whatever stands beside it in a batch."""

import torch

from emonet_bench.frontend.statistics import clip_mean, normalised


def padded(*frames):
    """Clips (N, 5, T) of so many frames, rubbish after their ends, and their mask (N, 1, T)."""
    torch.manual_seed(0)
    values = 3 + 2 * torch.randn(len(frames), 5, max(frames), dtype=torch.float64)
    mask = (torch.arange(max(frames)) < torch.tensor(frames)[:, None, None]).double()
    return values, mask


def test_the_mean_is_over_bands_and_valid_frames():
    values, mask = padded(7, 3)
    means = clip_mean(values, mask)
    assert means.shape == (2, 1, 1)
    torch.testing.assert_close(means.flatten(), torch.stack([values[0].mean(), values[1, :, :3].mean()]))


def test_without_a_mask_every_frame_counts():
    values, _ = padded(7)
    torch.testing.assert_close(clip_mean(values, None), clip_mean(values, torch.ones(1, 1, 7)))


def test_a_normalised_clip_is_the_same_alone_and_in_a_batch():
    values, mask = padded(7, 3)
    together = normalised(values, mask)
    for row, frames in enumerate((7, 3)):
        torch.testing.assert_close(together[row, :, :frames], normalised(values[row : row + 1, :, :frames], None)[0])


def test_a_normalised_clip_has_one_mean_and_one_variance_for_all_bands():
    values, _ = padded(900)
    values = values + 10 * torch.arange(5)[:, None]  # a spectral slope
    found = normalised(values, None)[0]
    own = (values[0] - values[0].mean()) / values[0].std(correction=0)
    torch.testing.assert_close(found, own, rtol=1e-4, atol=0)


def test_silence_becomes_zero_without_rounding():
    assert not normalised(torch.full((1, 128, 777), -13.815511), None).any()
