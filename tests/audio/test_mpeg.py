"""Frames of MP3 files are counted as libsndfile's decoder counts them."""

import io

import numpy as np
import pytest
import soundfile

from emonet_bench.audio import mpeg
from tests.audio.made import encoded, mp3, sound


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT", "AVERAGE"])
@pytest.mark.parametrize(
    ("rate", "each"), [(44_100, 1152), (48_000, 1152), (32_000, 1152), (22_050, 576), (8_000, 576)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_as_many_frames_are_counted_as_the_file_declares(mode, rate, each, channels):
    samples = np.stack([sound(3, rate)] * channels, 1)
    content = encoded(samples, rate, format="MP3", bitrate_mode=mode, compression_level=0.5)
    found = mpeg.frames(io.BytesIO(content))
    assert found.declared == found.total
    assert 0 <= found.total * each - len(samples) < 4 * each  # an encoder's delay and padding
    bare = soundfile.SoundFile(io.BytesIO(content[found.start :]))
    assert bare.format == "MP3"


def test_tags_around_the_sound_are_no_frames():
    content, start, _ = mp3(sound(3, 44_100))
    plain = mpeg.frames(io.BytesIO(content))
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 2, 0]) + bytes(256)
    tagged = mpeg.frames(io.BytesIO(tag + content + b"TAG" + bytes(125)))
    assert (tagged.total, tagged.declared, tagged.start) == (plain.total, plain.declared, plain.start + len(tag))
    assert start < plain.start


def test_a_file_without_a_describing_frame_declares_nothing():
    content, _, end = mp3(sound(3, 44_100))
    described, bare = mpeg.frames(io.BytesIO(content)), mpeg.frames(io.BytesIO(content[end:]))
    assert (bare.start, bare.total, bare.declared) == (0, described.total, None)


@pytest.mark.parametrize(
    "content", [b"", b"ID3", b"no frames at all", bytes(100), b"\xff\xfb\xf0\x00", b"\xff\xff\xff\xff"]
)
def test_what_is_no_mp3_file_has_no_frames(content):
    assert mpeg.frames(io.BytesIO(content)).total == 0
