"""PCM from a pipe is what soundfile writes, however it arrives, and what is none is one line."""

import io
import struct

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy.pcm import PcmFormat, read_frames, read_header
from emonet_bench.errors import AudioError, ConfigError

FRAMES = np.random.default_rng(0).uniform(-0.5, 0.5, (1_001, 2)).astype(np.float32)


class Trickle(io.BytesIO):
    """A pipe that gives three bytes at a time."""

    def read1(self, size=-1):
        return super().read1(min(size, 3))


def written(subtype, **options):
    file = io.BytesIO()
    soundfile.write(file, FRAMES, 8_000, subtype=subtype, format=options.get("format", "WAV"))
    return file.getvalue()


@pytest.mark.parametrize("form", ["WAV", "WAVEX"])
@pytest.mark.parametrize(("subtype", "encoding", "scale"), [("PCM_16", "s16le", 32768), ("FLOAT", "f32le", 1)])
@pytest.mark.parametrize("kind", [io.BytesIO, Trickle])
def test_a_wav_file_comes_out_as_soundfile_reads_it(form, subtype, encoding, scale, kind):
    data = written(subtype, format=form) + b"LIST\4\0\0\0junk"
    source = kind(data)
    pcm = read_header(source)
    assert pcm[:3] == (8_000, 2, encoding)
    found = np.concatenate(list(read_frames(source, pcm))) / scale
    expected, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    np.testing.assert_array_equal(found.astype(np.float32), expected)


def test_a_size_that_a_writer_to_a_pipe_leaves_open_is_none():
    data = written("PCM_16")
    place = data.index(b"data") + 4
    for size in (0, 0xFFFFFFFF):
        source = io.BytesIO(data[:place] + struct.pack("<I", size) + data[place + 4 :])
        pcm = read_header(source)
        assert pcm.size is None
        assert sum(map(len, read_frames(source, pcm))) == 1_001


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "does not begin like a WAV file; say --encoding"),
        (b"OggS" + bytes(40), "does not begin like a WAV file"),
        (written("PCM_24"), "format 1 with 24 bits; give 16-bit integers or 32-bit floats"),
        (written("PCM_16")[:30], "header is damaged or cut"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "header is damaged or cut"),
        (b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\x7f", "header is damaged or cut"),
    ],
)
def test_what_is_no_such_file_is_one_line(data, words):
    with pytest.raises(AudioError, match=words):
        read_header(io.BytesIO(data))


def test_an_end_within_a_frame_is_told_after_all_before_it():
    frames = read_frames(Trickle(bytes(4 * 5 + 3)), PcmFormat(8_000, 2, "s16le"))
    found = []
    with pytest.raises(AudioError, match="ends within a frame"):
        found.extend(frames)
    assert sum(map(len, found)) == 5


def test_too_many_channels_are_refused():
    data = bytearray(written("PCM_16"))
    data[22:24] = struct.pack("<H", 65)
    with pytest.raises(ConfigError, match="channels: must lie in 1 to 64, is 65"):
        read_header(io.BytesIO(bytes(data)))
