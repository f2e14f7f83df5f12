"""Blocks are counted and bounded, samples brought to a rate; what is not sound audio is one line."""

import io
import os

import numpy as np
import pytest
import soxr

from emonet_bench.audio import decoding
from emonet_bench.audio.decoding import duration, peak, resampled
from emonet_bench.audio.excerpts import decoded, seconds
from emonet_bench.errors import AudioError
from emonet_bench.types import Utterance
from tests.audio.made import encoded, flac_of_unknown_length, sound

RATE = 16_000


@pytest.mark.skipif(os.name == "nt", reason="no pipes in folders there")
def test_a_pipe_or_a_device_has_no_duration(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", *map(type(tmp_path), ("/dev/zero", "/dev/null"))):
        with pytest.raises(AudioError, match="is a pipe or a device"):
            seconds(Utterance("a", path, "joy"))
        assert duration(path) == 0


def test_more_than_fits_is_refused_before_it_is_held(monkeypatch):
    monkeypatch.setattr(decoding, "MOST_SAMPLES", 10_000)
    with pytest.raises(AudioError, match=r"too long: more than 0\.0 hours at 16000 Hz; cut it into parts"):
        decoded(io.BytesIO(encoded(sound(1))), 0, None)
    with pytest.raises(AudioError, match="too long"):
        decoded(io.BytesIO(flac_of_unknown_length(sound(1))), 0, None)
    with pytest.raises(AudioError, match=r"too long: .* at 768000 Hz"):
        resampled(np.zeros(2_000, np.float32), 1_000, 768_000)


def test_resampling_is_soxrs_best():
    source = sound(1, 44_100)
    np.testing.assert_array_equal(resampled(source, 44_100, RATE), soxr.resample(source, 44_100, RATE, quality="HQ"))
    assert resampled(source, RATE, RATE) is source


def test_a_duration_comes_from_the_header_and_is_zero_where_there_is_none(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded(sound(1.5)))
    (tmp_path / "b.wav").write_bytes(b"not audio")
    assert duration(tmp_path / "a.wav") == 1.5
    assert duration(tmp_path / "b.wav") == 0
    assert duration(tmp_path / "missing.wav") == 0


def test_the_peak_is_the_largest_absolute_value_and_nan_where_there_is_one():
    for made in (sound(1), -sound(1), np.array([[-1, 0], [0.5, 0]], np.float32), np.zeros(3)):
        assert peak(made) == np.abs(made).max()
    assert np.isnan(peak(np.array([1, np.nan, -3])))
