"""Clips as a model hears them: one channel, 16 bits."""

import io

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy.clips import level_of, mono, sixteen_bits
from emonet_bench.errors import AudioError

RNG = np.random.default_rng(0)
NOISE = RNG.uniform(-0.9, 0.9, (2, 300)).astype(np.float32)


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


def test_the_level_is_the_root_mean_square_in_decibels():
    samples = np.tile(NOISE[0], 200)
    expected = 20 * np.log10(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    assert level_of(samples, 16_000) == pytest.approx(expected, abs=0.01)
