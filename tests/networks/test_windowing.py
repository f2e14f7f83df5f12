"""What is heard of a clip: all of it, its centre, or windows all over it, held against plain slicing."""

import math

import pytest
import torch

from emonet_bench.networks.windowing import aggregate_windows, windows
from emonet_bench.types import InputSpec

LENGTHS = [1, 3, 9, 10, 11, 14, 15, 16, 29, 30]
WINDOW, HOP = 10, 5


def sliced(clip):
    """The windows of one clip, one after the other, the last one flush with its end."""
    rest = max(0, len(clip) - WINDOW)
    starts = [min(k * HOP, rest) for k in range(1 + math.ceil(rest / HOP))]
    return [clip[start : start + WINDOW] for start in starts]


@pytest.fixture
def clips():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(length, generator=generator, dtype=torch.float64) for length in LENGTHS]


def padded(clips, noise=7.0):
    """Rows of equal length; what comes after a clip is loud."""
    rows = torch.full((len(clips), max(map(len, clips))), noise, dtype=torch.float64)
    for row, clip in zip(rows, clips, strict=True):
        row[: len(clip)] = clip
    return rows, torch.tensor([len(clip) for clip in clips])


def test_windows_are_those_of_plain_slicing(clips):
    crops, kept, valid = windows(*padded(clips), WINDOW, HOP)
    for clip, own, lengths, there in zip(clips, crops, kept, valid, strict=True):
        expected = sliced(clip)
        assert there.tolist() == [k < len(expected) for k in range(len(there))]
        for crop, length, window in zip(own[there], lengths[there], expected, strict=True):
            assert length == len(window)
            assert torch.equal(crop[:length], window)
            assert crop[length:].eq(0).all()


def score(waveform, lengths):
    """A function that is not linear and hears no padding."""
    inside = torch.arange(waveform.shape[1]) < lengths[:, None]
    energy = (waveform.square() * inside).sum(1) / lengths
    return torch.stack([energy.log(), (waveform * inside).abs().amax(1)], -1), energy[:, None]


def test_what_is_computed_is_the_mean_over_a_clips_own_windows(clips):
    found, other = aggregate_windows(score, *padded(clips), InputSpec(10, WINDOW, HOP))
    for clip, row, more in zip(clips, found, other, strict=True):
        alone = [score(window[None], torch.tensor([len(window)])) for window in sliced(clip)]
        torch.testing.assert_close(row, torch.cat([rows for rows, _ in alone]).mean(0))
        torch.testing.assert_close(more, torch.cat([rows for _, rows in alone]).mean(0))


def test_a_clip_of_one_window_is_heard_as_its_centre_crop(clips):
    short = [clip for clip in clips if len(clip) <= WINDOW]
    for hop, clip in ((HOP, short[0]), (HOP, short[-1])):
        one = aggregate_windows(score, *padded([clip]), InputSpec(10, WINDOW, hop))
        assert all(map(torch.equal, one, aggregate_windows(score, *padded([clip]), InputSpec(10, WINDOW))))


def test_without_a_window_the_clip_is_heard_whole(clips):
    whole = aggregate_windows(score, *padded(clips), InputSpec(10, None, HOP))
    assert all(map(torch.equal, whole, score(*padded(clips))))


def test_a_label_that_is_not_there_stays_so(clips):
    def absent(waveform, lengths):
        return (torch.stack([lengths.double(), torch.full(lengths.shape, -torch.inf, dtype=torch.float64)], -1),)

    (found,) = aggregate_windows(absent, *padded(clips), InputSpec(10, WINDOW, HOP))
    assert found[:, 0].isfinite().all()
    assert found[:, 1].isneginf().all()
