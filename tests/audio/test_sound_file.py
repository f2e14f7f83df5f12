"""Sound files are opened from paths and from open files alike; what is no sound file is one line."""

import io
import os
import sys

import numpy as np
import pytest
import soundfile

from emonet_bench.audio.sound_file import native_name, opened
from emonet_bench.errors import AudioError
from tests.audio.made import encoded, flac_of_unknown_length, mp3, sound

CONTENT = encoded(sound(1), format="FLAC")


def test_a_path_and_an_open_file_give_the_same_and_the_file_stays_open(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(CONTENT)
    expected = soundfile.read(path)[0]
    with path.open("rb") as source:
        source.seek(77)  # wherever it stands, it is read from its start
        for given in (path, source):
            with opened(given) as (file, known):
                np.testing.assert_array_equal(file.read(len(expected)), expected)
                assert not len(file.read(1))
                assert known
        assert not source.closed


MP3, _, SECOND_FRAME = mp3(sound(2, 44_100))


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (encoded(sound(1)), True),
        (flac_of_unknown_length(sound(1)), False),
        (MP3, True),
        (MP3[SECOND_FRAME:], False),
    ],
    ids=["wav", "flac of unknown length", "mp3", "mp3 without a describing frame"],
)
def test_a_file_tells_whether_its_number_of_frames_can_be_trusted(content, known):
    with opened(io.BytesIO(content)) as (file, told):
        assert told == known
        assert not known or len(file.read(2**20)) == file.frames


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
def test_a_name_is_given_to_libsndfile_by_its_bytes(tmp_path):
    path = tmp_path / os.fsdecode(b"\xe9.flac")
    path.write_bytes(CONTENT)
    assert native_name(path).endswith(b"\xe9.flac")
    with opened(path) as (file, _):
        assert file.frames == 16_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty: zero bytes"),
        (b"not audio", "not audio that libsndfile can read, or damaged"),
        (encoded(sound(1))[:-100], "truncated: holds less audio than its header says"),
    ],
)
def test_what_is_no_sound_file_is_one_line(content, message):
    with pytest.raises(AudioError, match=f"^{message}$"), opened(io.BytesIO(content)):
        pass


@pytest.mark.parametrize("name", ["missing.wav", "nul\0.wav", "folder"])
def test_what_cannot_be_opened_is_one_line(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(AudioError) as caught, opened(tmp_path / name):
        pass
    assert "\n" not in str(caught.value)


def closed():
    file = io.BytesIO(CONTENT)
    file.close()
    return file


def pipe():
    reader, writer = os.pipe()
    os.close(writer)
    return os.fdopen(reader, "rb")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.open(encoding="latin-1"), "is open as text; open it with the mode 'rb'"),
        (lambda path: path.open("ab"), "cannot be read: read"),
        (lambda _: closed(), "cannot be read: .*closed file"),
        (lambda _: pipe(), "cannot be read: .*not seekable"),
    ],
    ids=["text", "for writing", "closed", "a pipe"],
)
def test_a_file_that_is_open_in_a_way_that_does_not_do_is_one_line(tmp_path, make, message):
    (tmp_path / "a.flac").write_bytes(CONTENT)
    file = make(tmp_path / "a.flac")
    with pytest.raises(AudioError, match=f"^{message}$"), opened(file):
        pass
    file.close()
