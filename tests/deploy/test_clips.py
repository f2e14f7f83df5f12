"""Clips as a model hears them: one channel, 16 bits, and stretches that leave nothing out."""

import io

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy.clips import cut_of, mono, segments, sixteen_bits
from emonet_bench.errors import AudioError, ConfigError

RNG = np.random.default_rng(0)
NOISE = RNG.uniform(-0.9, 0.9, (2, 300)).astype(np.float32)


@pytest.mark.parametrize(
    ("window", "hop", "expected"),
    [(None, None, None), (1.5, None, (24_000, 24_000)), (1.0, 0.25, (16_000, 4_000)), (1 / 16_000, None, (1, 1))],
)
def test_seconds_become_samples(window, hop, expected):
    assert cut_of(window, hop, 16_000) == expected


@pytest.mark.parametrize(
    ("window", "hop"), [(None, 1.0), (0.0, None), (1.0, -1.0), (1e-9, None), (float("nan"), None), (1.0, float("inf"))]
)
def test_a_window_without_an_end_or_a_sample_is_one_line(window, hop):
    with pytest.raises(ConfigError, match=r"^(hop|window and hop): .+$"):
        cut_of(window, hop, 16_000)


@pytest.mark.parametrize("samples", [1, 5, 6, 7, 40])
@pytest.mark.parametrize("cut", [(6, 6), (6, 2), (6, 1), (3, 5), (50, 50)])
def test_stretches_are_full_but_for_the_last_and_reach_the_end(samples, cut):
    window, hop = cut
    found = list(segments(np.arange(samples), cut))
    assert [start for start, _ in found] == [hop * number for number in range(len(found))]
    assert all(len(piece) == window for _, piece in found[:-1])
    for start, piece in found:
        assert piece.tolist() == list(range(start, min(start + window, samples)))
    last_start, last = found[-1]
    assert last_start + len(last) == samples or hop > window  # gaps may hide the end


def test_without_a_cut_a_clip_is_one_stretch():
    ((start, piece),) = segments(NOISE[0], None)
    assert start == 0
    assert piece is not None
    np.testing.assert_array_equal(piece, NOISE[0])


def test_channels_are_averaged_over_the_axis_that_was_named():
    for given, axis in ((NOISE, None), (NOISE, 0), (NOISE.T, 1), (NOISE[:, :2].T, 1)):
        expected = NOISE[:, : given.shape[1 - (axis or 0)]].mean(0)
        np.testing.assert_allclose(mono(given, axis), expected, atol=1e-7)
    np.testing.assert_array_equal(mono(NOISE[0], 1), NOISE[0])


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_integers_count_over_their_whole_range(bits):
    lowest = np.iinfo(f"int{bits}").min
    found = mono(np.array([lowest, lowest // 2, 0], f"int{bits}"))
    assert found.tolist() == [-1.0, -0.5, 0.0]
    assert found.dtype == np.float32


def test_channels_that_cancel_are_refused_but_for_a_moment_of_something_longer():
    both = np.stack([NOISE[0], -NOISE[0]])
    with pytest.raises(AudioError, match="cancel each other"):
        mono(both)
    assert not mono(both, partial=True).any()


def test_rounding_to_16_bits_is_what_a_wave_file_of_16_bits_keeps():
    samples = np.concatenate([NOISE[0], np.float32([1.5, 1.0, -1.0, -1.5, 0.5 / 32768])])
    integers = np.clip(np.rint(samples.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)
    stream = io.BytesIO()
    soundfile.write(stream, integers, 16_000, format="WAV")
    stream.seek(0)
    given = samples.copy()
    np.testing.assert_array_equal(sixteen_bits(given), soundfile.read(stream, dtype="float32")[0])
    np.testing.assert_array_equal(given, samples)  # what was given stays as it is
