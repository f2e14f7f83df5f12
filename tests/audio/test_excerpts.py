"""Whatever comes in is decoded to its end, of every format, and the stretch of an utterance is cut out of it."""

import io

import numpy as np
import pytest
import soundfile

from emonet_bench.audio.excerpts import decoded, seconds
from emonet_bench.errors import AudioError
from emonet_bench.types import Utterance
from tests.audio.made import encoded, flac_of_unknown_length, mp3, sound

RATE = 16_000


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("form", [{"format": "WAV"}, {"format": "FLAC"}, {"format": "AIFF"}, {"format": "OGG"}])
def test_a_file_is_read_as_soundfile_reads_it_from_its_path_and_from_its_bytes(tmp_path, form):
    content = encoded(np.stack([sound(1.3), 0.5 * sound(1.3, seed=1)], 1), RATE, **form)
    expected = soundfile.read(io.BytesIO(content), dtype="float32")[0].mean(1, dtype=np.float32)
    for source in (written(tmp_path / "clip", content), io.BytesIO(content)):
        samples, rate = decoded(source, 0, None)
        np.testing.assert_array_equal(samples, expected)
        assert rate == RATE


@pytest.mark.parametrize("form", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "NIST", "VOC"])
@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW", "PCM_S8"])
def test_samples_of_every_width_and_order_of_bytes_are_those_of_libsndfile(form, subtype):
    subtype = subtype if soundfile.check_format(form, subtype) else "PCM_16"
    full_scale = np.append(0.9 * sound(0.2), np.float32([-1, 1, 0])).astype(np.float32)
    content = encoded(full_scale, RATE, format=form, subtype=subtype)
    expected, _ = soundfile.read(io.BytesIO(content), dtype="float32")
    np.testing.assert_array_equal(decoded(io.BytesIO(content), 0, None)[0], expected)


def test_a_stretch_is_cut_out_of_every_format(tmp_path):
    for content in (encoded(sound(2), format="FLAC"), flac_of_unknown_length(sound(2))):
        file = written(tmp_path / "clip.flac", content)
        whole, _ = decoded(file, 0, None)
        part, _ = decoded(file, 0.5, 1.25)
        np.testing.assert_array_equal(part, whole[8_000:20_000])


def test_a_file_of_several_blocks_is_read_as_one():
    content = encoded(np.stack([sound(24), sound(24, seed=1), sound(24, seed=2)], 1), format="FLAC")
    expected = soundfile.read(io.BytesIO(content), dtype="float32")[0].mean(1, dtype=np.float32)
    np.testing.assert_array_equal(decoded(io.BytesIO(content), 0, None)[0], expected)


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT"])
def test_an_mp3_file_without_a_describing_frame_is_heard_to_its_end(tmp_path, mode):
    content, _, end = mp3(sound(9, 44_100), mode)
    whole, _ = decoded(io.BytesIO(content), 0, None)
    bare = written(tmp_path / "bare.mp3", content[end:])
    samples, rate = decoded(bare, 0, None)
    assert 9 <= len(samples) / rate < 9.1  # with the encoder's padding
    delay = len(samples) - len(whole)
    best = max(range(delay + 1), key=lambda shift: float(samples[shift : shift + 40_000] @ whole[:40_000]))
    np.testing.assert_allclose(samples[best:][: len(whole)][1000:-3000], whole[1000:-3000], atol=0.02)
    assert seconds(Utterance("a", bare, "joy")) == len(samples) / rate


def test_an_mp3_file_that_declares_too_little_is_heard_to_its_end():
    content, start, _ = mp3(sound(6, 44_100))
    lying = bytearray(content)
    place = content.find(b"Xing", start)
    lying[place + 8 : place + 12] = (20).to_bytes(4, "big")
    assert len(decoded(io.BytesIO(bytes(lying)), 0, None)[0]) >= 6 * 44_100


def test_a_flac_file_of_unknown_length_is_read_to_its_end(tmp_path):
    file = written(tmp_path / "a.flac", flac_of_unknown_length(sound(20)))
    np.testing.assert_array_equal(
        decoded(file, 0, None)[0], decoded(io.BytesIO(encoded(sound(20), format="FLAC")), 0, None)[0]
    )
    assert seconds(Utterance("a", file, "joy")) == 20
    assert seconds(Utterance("a", file, "joy", start=1, end=3)) == 2


def test_lossy_channels_in_antiphase_are_said_to_cancel():
    both = np.stack([sound(5, 48_000), -sound(5, 48_000)], 1)
    with pytest.raises(AudioError, match="cancel each other"):
        decoded(io.BytesIO(encoded(both, 48_000, subtype="PCM_24")), 0, None)


def test_floats_a_little_beyond_full_scale_are_audio():
    samples, _ = decoded(io.BytesIO(encoded(np.clip(10 * sound(2), -1.9, 1.9), subtype="FLOAT")), 0, None)
    assert 1 < np.abs(samples).max() < 2


def test_silence_is_not_said_to_cancel():
    assert not decoded(io.BytesIO(encoded(np.zeros((100, 2)))), 0, None)[0].any()
