"""Recording conditions: clips are moved whole, and filtered as scipy filters them."""

import math

import pytest
import torch
from scipy import signal

from emonet_bench.frontend.recording import add_silence, low_pass

RATE = 16_000


def rows(count=200, size=1_000):
    """Rows of 1, 2, 3, ... so that every sample tells where it was."""
    return torch.arange(1, size + 1).float().expand(count, -1).clone()


def test_full_rows_keep_their_size_and_the_beginning_of_what_they_held():
    torch.manual_seed(0)
    moved, lengths = add_silence(rows(), None, 200)
    assert lengths is None
    for row in moved:
        places = row.nonzero()[:, 0]
        assert row[places].tolist() == list(range(1, len(places) + 1))
        assert places.tolist() == list(range(int(places[0]), int(places[0]) + len(places)))


def test_silence_is_as_long_as_asked_and_half_of_the_clips_begin_without():
    torch.manual_seed(0)
    moved, _ = add_silence(rows(2_000), None, 200)
    before = (moved != 0).int().argmax(1)
    after = (moved.flip(1) != 0).int().argmax(1)
    for silence in (before, after):
        assert silence.max() <= 200
        assert silence.max() > 190
        assert 0.46 < (silence == 0).float().mean() < 0.54


def test_a_padded_clip_grows_by_its_silence_and_loses_nothing_that_fits():
    torch.manual_seed(0)
    waveform, lengths = rows(), torch.full((200,), 300)
    waveform[:, 300:] = 0
    moved, longer = add_silence(waveform, lengths, 200)
    assert torch.equal(moved.sum(1), waveform.sum(1))
    assert longer.min() == 300
    assert 600 < longer.max() <= 700
    assert not moved.masked_fill(torch.arange(1_000) < longer[:, None], 0).any()


@pytest.mark.parametrize("longest", [1_000, 10**9])
def test_half_of_the_row_is_left_to_the_clip(longest):
    torch.manual_seed(0)
    moved, _ = add_silence(rows(), None, longest)
    assert ((moved != 0).sum(1) >= 500).all()


def test_a_clip_of_one_sample_is_kept():
    moved, lengths = add_silence(torch.ones(4, 1), torch.ones(4, dtype=torch.int64), 100)
    assert moved.tolist() == [[1.0]] * 4
    assert lengths.tolist() == [1] * 4


def test_tones_lose_what_a_butterworth_filter_takes_from_them():
    torch.manual_seed(3)
    octaves = torch.rand((1, 1))
    cutoff = 8_000 * (1_000 / 8_000) ** float(octaves)
    for hertz in (500, 1_500, 3_000, 6_000):
        tone = torch.sin(2 * math.pi * hertz * torch.arange(RATE) / RATE)[None]
        torch.manual_seed(3)
        left = low_pass(tone, RATE, 1_000.0).square().mean().sqrt() / tone.square().mean().sqrt()
        _, (response,) = signal.freqs(*signal.butter(8, cutoff, analog=True), worN=[hertz])
        assert float(left) == pytest.approx(abs(response), abs=1e-3)


def test_cutoffs_lie_between_the_lowest_and_half_of_the_sampling_rate_and_octaves_are_equally_likely():
    torch.manual_seed(0)
    impulse = torch.zeros(1_000, 512)
    impulse[:, 0] = 1
    power = torch.fft.rfft(low_pass(impulse, RATE, 2_000.0)).abs().square()
    bands = (power > 0.5).sum(1) * RATE / 512  # half of the power is left at the cutoff
    assert bands.min() > 1_950
    assert 0.45 < (bands < 4_000).float().mean() < 0.55


def test_a_lowest_cutoff_above_the_band_leaves_it_alone_but_for_its_edge():
    torch.manual_seed(0)
    tone = torch.sin(2 * math.pi * 500 * torch.arange(RATE) / RATE)[None]
    torch.testing.assert_close(low_pass(tone, RATE, 20_000.0), tone, atol=1e-4, rtol=0)
