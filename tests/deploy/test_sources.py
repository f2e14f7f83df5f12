"""Every source becomes a clip with a name that messages begin with."""

import io
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from emonet_bench.audio.decoding import joined
from emonet_bench.deploy.clips import sixteen_bits
from emonet_bench.deploy.sources import from_array, from_source, is_single
from emonet_bench.errors import AudioError, ConfigError
from tests.audio.made import encoded, sound

RATE = 16_000
CLIP = sixteen_bits(sound(0.5))
CONTENT = encoded(CLIP)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "a.wav"
    file.write_bytes(CONTENT)
    return file


def test_a_source_is_told_from_several(path):
    with path.open("rb") as file:
        for one in ("a.wav", Path("a.wav"), CONTENT, bytearray(CONTENT), memoryview(CONTENT), file, io.BytesIO()):
            assert is_single(one)
    for several in (["a.wav"], (Path("a.wav"),), iter([CONTENT]), np.zeros(3)):
        assert not is_single(several)


def test_paths_bytes_and_open_files_hold_the_same_clip_under_their_names(path):
    with path.open("rb") as named, tempfile.TemporaryFile() as numbered:
        numbered.write(CONTENT)
        sources = {
            str(path): path,
            os.fspath(path): str(path),
            "bytes 3": CONTENT,
            "file 3": io.BytesIO(CONTENT),
            named.name: named,
        }
        for name, source in [*sources.items(), ("bytes 3", memoryview(CONTENT)), ("file 3", numbered)]:
            clip = from_source(3, source, RATE)
            assert clip.name == name
            np.testing.assert_array_equal(joined(clip.blocks()), CLIP)


def test_a_file_is_not_read_before_its_turn(tmp_path):
    clip = from_source(0, tmp_path / "later.wav", RATE)
    (tmp_path / "later.wav").write_bytes(CONTENT)
    assert clip.length() == 0.5
    np.testing.assert_array_equal(joined(clip.blocks()), CLIP)


@pytest.mark.parametrize(("given", "channels"), [(CLIP, None), (np.stack([CLIP, CLIP]), None), (CLIP[:, None], 1)])
def test_an_array_becomes_a_clip_at_the_models_rate(given, channels):
    clip = from_array(2, given, RATE, RATE, channels)
    assert (clip.name, clip.length()) == ("array 2", given.size)
    np.testing.assert_array_equal(joined(clip.blocks()), CLIP)
    assert len(joined(from_array(2, given, 2 * RATE, RATE, channels).blocks())) == len(CLIP) // 2


def test_what_is_wrong_with_a_clip_begins_with_its_name(tmp_path):
    (tmp_path / "text.wav").write_bytes(b"text")
    for clip in (
        from_source(1, tmp_path / "text.wav", RATE),
        from_source(1, b"text", RATE),
        from_source(1, io.BytesIO(b"text"), RATE),
        from_array(1, np.zeros(0), RATE, RATE, None),
    ):
        with pytest.raises(AudioError) as caught:
            joined(clip.blocks())
        assert str(caught.value).startswith(f"{clip.name}: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("thing", [0.5, None, np.zeros(3)])
def test_what_is_no_source_is_one_line_that_says_where_arrays_go(thing):
    with pytest.raises(ConfigError, match=r"^files: number 4 is of type \w+; .* arrays to predict_arrays$"):
        from_source(4, thing, RATE)
