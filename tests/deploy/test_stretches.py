"""Stretches leave nothing out, in whatever blocks a clip comes, and parts of a long clip are none of them short."""

import weakref

import numpy as np
import pytest

from emonet_bench.deploy.stretches import Cutter, cut_of, parts, stretches
from emonet_bench.errors import ConfigError

NOISE = np.random.default_rng(0).uniform(-0.9, 0.9, 300).astype(np.float32)


@pytest.mark.parametrize(
    ("window", "hop", "expected"),
    [(None, None, None), (1.5, None, (24_000, 24_000)), (1.0, 0.25, (16_000, 4_000)), (1 / 16_000, None, (1, 1))],
)
def test_seconds_become_samples(window, hop, expected):
    assert cut_of(window, hop, 16_000) == expected


@pytest.mark.parametrize(
    ("window", "hop"),
    [
        (None, 1.0),
        (0.0, None),
        (1.0, -1.0),
        (1e-9, None),
        (float("nan"), None),
        (1.0, float("inf")),
        ("1", None),
        (1.0, "1"),
    ],
)
def test_a_window_without_an_end_or_a_sample_is_one_line(window, hop):
    with pytest.raises(ConfigError, match=r"^(hop|window and hop): .+$"):
        cut_of(window, hop, 16_000)


@pytest.mark.parametrize("samples", [1, 5, 6, 7, 40])
@pytest.mark.parametrize("cut", [(6, 6), (6, 2), (6, 1), (3, 5), (50, 50)])
def test_stretches_are_full_but_for_the_last_and_reach_the_end(samples, cut):
    window, hop = cut
    found = list(stretches(np.split(np.arange(samples), [*range(4, samples, 4)]), cut, None))
    assert [start for start, _ in found] == [hop * number for number in range(len(found))]
    assert all(len(piece) == window for _, piece in found[:-1])
    for start, piece in found:
        assert piece.tolist() == list(range(start, min(start + window, samples)))
    last_start, last = found[-1]
    assert last_start + len(last) == samples or hop > window  # gaps may hide the end


def test_what_no_stretch_hears_is_not_kept():
    cutter, block = Cutter((2, 10**9)), np.zeros(10, np.float32)
    assert [start for start, _ in cutter.push(block)] == [0]
    held = weakref.ref(block)
    del block
    assert list(cutter.push(np.zeros(1, np.float32))) == []
    assert held() is None


def test_without_a_cut_a_clip_is_one_stretch():
    ((start, piece),) = stretches([NOISE, NOISE], None, None)
    assert start == 0
    np.testing.assert_array_equal(piece, np.tile(NOISE, 2))


@pytest.mark.parametrize("samples", [1, 99, 100, 101, 149, 150, 151, 200, 201, 1_234])
@pytest.mark.parametrize("block", [1, 30, 100, 5_000])
def test_parts_of_a_long_clip_follow_each_other_and_are_alike(samples, block):
    clip = np.arange(samples)
    found = list(parts(np.split(clip, [*range(block, samples, block)]), 100))
    assert np.concatenate([piece for _, piece in found]).tolist() == clip.tolist()
    assert [start for start, _ in found] == [piece[0] for _, piece in found]
    if samples <= 100:
        assert len(found) == 1
    else:
        assert all(12 <= len(piece) <= 25 for _, piece in found)


def test_no_more_of_a_clip_is_taken_than_a_part_needs():
    taken = []

    def blocks():
        for number in range(100):
            taken.append(number)
            yield np.zeros(10)

    for number, _ in enumerate(parts(blocks(), 100)):
        assert len(taken) <= max(11, 3 * (number + 1) + 3)


def test_a_long_clip_comes_in_parts_only_where_no_stretches_are_asked_for():
    assert [start for start, _ in stretches([NOISE], None, 240)] == [0, 60, 120, 180, 240]
    assert [start for start, _ in stretches([NOISE], (250, 250), 240)] == [0, 250]
