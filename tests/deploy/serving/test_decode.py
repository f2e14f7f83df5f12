"""Uploads are decoded as files are, and what is damaged is told."""

import io
import struct

import numpy as np
import pytest
import soundfile

from emonet_bench.audio import read
from emonet_bench.deploy.clips import sixteen_bits
from emonet_bench.deploy.serving.decode import decode, is_quick
from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.errors import AudioError


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_bytes_give_the_samples_that_the_file_gives(tmp_path, noise, wav, rate, channels):
    content = wav(np.stack([noise(5, rate, seed) for seed in range(channels)], axis=1), rate)
    (tmp_path / "clip.wav").write_bytes(content)
    expected = sixteen_bits(read(tmp_path / "clip.wav", 16_000))
    np.testing.assert_array_equal(decode(content, 16_000, 10), expected)


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def test_a_plain_file_gives_what_libsndfile_reads_wherever_its_samples_lie(wav, noise):
    content = wav(noise(0.5))
    layout, samples = content[12:36], content[44:]
    extremes = np.array([0, -32768, 32767, -1, 1], "<i2").tobytes()
    for chunks in (
        layout + chunk(b"data", samples),
        chunk(b"LIST", b"odd") + layout + chunk(b"data", samples) + chunk(b"LIST", b"behind"),
        layout + chunk(b"data", extremes),
        layout + chunk(b"data", bytes(100)),
        layout + chunk(b"data", samples[:-1]),
    ):
        file = chunk(b"RIFF", b"WAVE" + chunks)
        expected, _ = soundfile.read(io.BytesIO(file), dtype="float32")
        np.testing.assert_array_equal(decode(file, 16_000, 10), expected)


def test_a_plain_file_that_is_too_long_is_told(wav, noise):
    assert len(decode(wav(noise(1)), 16_000, 1)) == 16_000
    with pytest.raises(RequestError, match=r"^audio: lasts more than 0\.9 s"):
        decode(wav(noise(1)), 16_000, 0.9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: b"", "empty: zero bytes"),
        (lambda _: b"RIFF", "not audio that libsndfile can read, or damaged"),
        (lambda content: content[:44], "truncated"),
        (lambda content: content[:-2], "truncated: holds less audio than its header says"),
        (lambda content: content[:100] + b"\0" * 10, "truncated"),
        (lambda content: content[20:], "not audio"),
        (lambda content: content[:24] + b"\1\0\0\0" + content[28:], "its rate is 1 Hz; give 1000 to 768000 Hz"),
    ],
)
def test_a_damaged_wav_file_is_one_line(wav, noise, change, message):
    with pytest.raises(AudioError, match=message):
        decode(change(wav(noise())), 16_000, 10)


def test_a_flac_file_that_is_cut_is_told(wav, noise):
    with pytest.raises(AudioError, match=r"truncated|damaged"):
        decode(wav(noise(), form="FLAC")[:-2000], 16_000, 10)


def test_samples_that_are_no_numbers_are_told(wav):
    with pytest.raises(AudioError, match="NaN or infinite"):
        decode(wav(np.array([0, np.nan, 1]), subtype="FLOAT"), 16_000, 10)


def test_no_samples_are_told(wav):
    with pytest.raises(AudioError, match=r"zero-length|not audio"):
        decode(wav(np.zeros(0)), 16_000, 10)


def test_many_channels_are_told(wav):
    with pytest.raises(AudioError, match="has 65 channels; give 1 to 64"):
        decode(wav(np.zeros((10, 65))), 16_000, 10)


@pytest.mark.parametrize(
    ("seconds", "rate", "form", "subtype", "expected"),
    [
        (5, 16_000, "WAV", "PCM_16", True),
        (2, 16_000, "WAV", "FLOAT", True),
        (10, 16_000, "WAV", "PCM_16", False),
        (1, 44_100, "WAV", "PCM_16", False),
        (1, 16_000, "WAV", "IMA_ADPCM", False),
        (1, 16_000, "FLAC", "PCM_16", False),
    ],
)
def test_only_a_short_file_of_plain_samples_at_the_models_rate_is_quick(
    wav, noise, seconds, rate, form, subtype, expected
):
    assert is_quick(wav(noise(seconds, rate), rate, form, subtype), 16_000) is expected
    assert not is_quick(b"RIFF", 16_000)
