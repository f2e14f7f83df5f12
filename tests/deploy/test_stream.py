"""A stream cuts what arrives as the whole would be cut, however it arrives, and keeps no more than it needs."""

import tracemalloc

import numpy as np
import pytest

from emonet_bench.deploy.clips import sixteen_bits
from emonet_bench.deploy.stream import Stream
from emonet_bench.deploy.stretches import stretches
from emonet_bench.errors import AudioError, ConfigError

RNG = np.random.default_rng(0)
NOISE = RNG.uniform(-0.5, 0.5, 20_000).astype(np.float32)


def heard(start, samples):
    """In place of a model: what it would be given."""
    return start, samples.copy()


def stream(window, hop=None, rates=(16_000, 16_000), channels=None):
    return Stream(heard, (window, hop or window), rates, channels)


@pytest.mark.parametrize("cut", [(800, 800), (800, 300), (800, 1_100), (30_000, 30_000)])
@pytest.mark.parametrize("samples", [1, 800, 5_001, 20_000])
def test_a_stream_hears_the_stretches_of_the_whole(cut, samples):
    whole, start, found = NOISE[:samples], 0, []
    made = stream(*cut)
    while start < samples:
        size = int(RNG.integers(0, 1_500))
        found += made.push(whole[start : start + size])
        start += size
    found += made.finish()
    expected = list(stretches([sixteen_bits(whole)], cut, None))
    assert [start for start, _ in found] == [start for start, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_stretch_is_heard_as_soon_as_it_is_complete():
    made = stream(1_000)
    assert made.push(NOISE[:999]) == []
    assert [start for start, _ in made.push(NOISE[999:1_000])] == [0]
    assert made.finish() == []


def test_audio_of_another_rate_lasts_as_long():
    made = stream(16_000, rates=(8_000, 16_000))
    found = [*made.push(NOISE), *made.finish()]
    assert sum(len(samples) for _, samples in found) == 2 * len(NOISE)


def test_channels_are_on_the_axis_that_the_stream_was_told():
    made = stream(100, channels=1)
    ((_, samples),) = made.push(np.stack([NOISE[:100], NOISE[100:200]], axis=1))
    np.testing.assert_array_equal(samples, sixteen_bits((NOISE[:100] + NOISE[100:200]) / 2))


@pytest.mark.parametrize("rates", [(16_000, 16_000), (8_000, 16_000)])
@pytest.mark.parametrize("ask", [lambda made: made.push(NOISE), lambda made: made.finish()])
def test_a_stream_that_is_finished_takes_no_more(rates, ask):
    made = stream(1_000, rates=rates)
    made.push(NOISE)
    made.finish()
    with pytest.raises(ConfigError, match=r"^stream: is finished; ask the Predictor for another one$"):
        ask(made)


@pytest.mark.parametrize("chunk", [np.full(4_800, 3e38, np.float32), np.array([np.nan]), np.zeros((2, 2, 2))])
def test_a_chunk_that_is_no_audio_is_one_line(chunk):
    with pytest.raises(AudioError, match=r"^[^\n]+$"):
        stream(1_000, rates=(48_000, 16_000)).push(chunk)


@pytest.mark.parametrize("hop", [4_000, 12_000])
def test_a_stream_keeps_no_more_than_a_stretch(hop):
    made = Stream(lambda *_: None, (8_000, hop), (16_000, 16_000))
    made.push(NOISE)
    tracemalloc.start()
    try:
        for _ in range(50):
            made.push(NOISE)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 3 * NOISE.nbytes  # of 50
