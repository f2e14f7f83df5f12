"""Blocks put together are the whole file at the rate that was asked for, and what is no sound audio is one line."""

import io
import os

import numpy as np
import pytest
import soundfile

from emonet_bench.audio import decoding
from emonet_bench.audio.decoding import resampled
from emonet_bench.audio.excerpts import decoded
from emonet_bench.audio.reading import blocks, read
from emonet_bench.errors import AudioError
from tests.audio.made import encoded, flac_of_unknown_length, mp3, sound

RATE = 16_000


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("rate", [8_000, 11_025, RATE, 44_100, 48_000])
@pytest.mark.parametrize("size", [1_000, 2**20])
def test_blocks_are_to_the_bit_what_resampling_the_whole_gives(monkeypatch, rate, size):
    monkeypatch.setattr(decoding, "_BLOCK", size)
    content = encoded(np.stack([sound(1.7, rate), sound(1.7, rate, seed=1)], 1), rate)
    expected = resampled(*decoded(io.BytesIO(content), 0, None), RATE)
    found = list(blocks(io.BytesIO(content), RATE))
    assert len(found) > 1 or size > 1_000
    np.testing.assert_array_equal(np.concatenate(found), expected)
    np.testing.assert_array_equal(read(io.BytesIO(content), RATE), expected)


@pytest.mark.parametrize(
    ("content", "rounded"),
    {
        "16 bits": (encoded(sound(1)), False),
        "floats": (encoded(sound(1), subtype="FLOAT"), True),
        "another rate": (encoded(sound(1, 8_000), 8_000), True),
        "two channels": (encoded(np.stack([sound(1), sound(1, seed=1)], 1)), True),
    }.values(),
)
def test_blocks_are_rounded_unless_the_file_holds_them_so(content, rounded):
    whole = read(io.BytesIO(content), RATE)
    found = np.concatenate(list(blocks(io.BytesIO(content), RATE, np.round)))
    np.testing.assert_array_equal(found, np.round(whole) if rounded else whole)


def test_what_does_not_know_its_length_is_read_to_its_end(monkeypatch):
    monkeypatch.setattr(decoding, "_BLOCK", 10_000)
    content = encoded(sound(3), format="FLAC")
    expected = soundfile.read(io.BytesIO(content), dtype="float32")[0]
    np.testing.assert_array_equal(read(io.BytesIO(flac_of_unknown_length(sound(3))), RATE), expected)


def test_what_only_the_whole_tells_is_told_behind_the_blocks(monkeypatch):
    monkeypatch.setattr(decoding, "_BLOCK", 2_000)
    reading = blocks(io.BytesIO(encoded(np.stack([sound(1), -sound(1)], 1))), RATE)
    for _ in range(RATE // 1_000):
        assert len(next(reading)) == 1_000
    with pytest.raises(AudioError, match="cancel each other"):
        next(reading)


BAD = {
    "truncated": encoded(sound(2))[:-5_000],
    "truncated: holds less": mp3(sound(6, 44_100))[0][:20_000],
    "truncated: its Ogg stream": encoded(sound(5, 48_000), 48_000, format="OGG", subtype="OPUS")[:-9_000],
    "not audio that libsndfile can read, or damaged": flac_of_unknown_length(sound(9))[:-30_000],
    "empty: zero bytes": b"",
    "zero-length: no samples": encoded(sound(0)),
    "has 1 samples per second; audio has 1000 to 768000": encoded(sound(0.1), 1),
    "has 800000 samples per second": encoded(sound(0.1), 800_000),
    "its floats reach 20000, but must lie in [-1, 1]; divide them by the full scale (32768 for 16 bits)": encoded(
        20_000 * np.sign(sound(2)), subtype="FLOAT"
    ),
    "its channels cancel each other: their mean is silence": encoded(np.stack([sound(2), -sound(2)], 1)),
    "holds NaN": encoded(np.full(100, np.nan, np.float32), subtype="FLOAT"),
}


@pytest.mark.parametrize("reason", BAD)
@pytest.mark.parametrize("way", ["path", "bytes"])
def test_what_is_no_sound_audio_is_one_line(tmp_path, reason, way):
    source = written(tmp_path / "clip", BAD[reason]) if way == "path" else io.BytesIO(BAD[reason])
    with pytest.raises(AudioError) as caught:
        read(source, RATE)
    message = str(caught.value)
    assert "\n" not in message
    name = f"{tmp_path / 'clip'}: " if way == "path" else ""
    assert message.startswith(name + reason)


@pytest.mark.skipif(os.name == "nt", reason="no pipes in folders there")
def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    for path in (tmp_path / "pipe.wav", *map(type(tmp_path), ("/dev/zero", "/dev/null"))):
        with pytest.raises(AudioError, match="is a pipe or a device; give a regular file"):
            read(path, RATE)
