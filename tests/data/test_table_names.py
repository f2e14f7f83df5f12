import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emonet_bench.data.table_names import portable, source
from emonet_bench.types import ArchiveMember, Utterance

PART = st.text(string.ascii_lowercase + " #-", min_size=1, max_size=5)
PATHS = st.lists(st.lists(PART, min_size=1, max_size=3).map("/".join), min_size=1, max_size=5)


@given(PATHS, st.booleans())
def test_names_do_not_tell_where_a_corpus_lies(paths, inside):
    def listed(root):
        data_path = Path(root) if inside else Path("/somewhere/else")
        rows = [Utterance(f"{root}/{path}.wav", Path(root) / f"{path}.wav", "a") for path in paths]
        return [utterance.name for utterance in portable(rows, data_path)]

    assert listed("/home/one/corpus") == listed("/mnt/two/deeper/corpus")
    if inside:
        assert listed("/home/one/corpus") == [f"{path}.wav" for path in paths]


@given(PATHS)
def test_relative_names_are_left_alone(paths):
    rows = [Utterance(path, Path("/data") / path, "a") for path in paths]
    assert portable(rows, Path("/data")) == rows


@pytest.mark.parametrize(
    ("cell", "name", "file"),
    [
        ("clips/a.wav", "clips/a.wav", Path("/data/clips/a.wav")),
        (
            "zip://clips/a.wav::audio.zip",
            "audio.zip/clips/a.wav",
            ArchiveMember(Path("/data/audio.zip"), "clips/a.wav"),
        ),
        ("tar://./a.wav::in/b.tar", "in/b.tar/a.wav", ArchiveMember(Path("/data/in/b.tar"), "./a.wav", "tar")),
        ("zip://a::b.wav::c.zip", "c.zip/a::b.wav", ArchiveMember(Path("/data/c.zip"), "a::b.wav")),
        ("zipped/a::b.wav", "zipped/a::b.wav", Path("/data/zipped/a::b.wav")),
    ],
)
def test_an_archive_is_named_as_the_folder_that_it_would_be(cell, name, file):
    assert source(Path("/data"), cell) == (name, file)


def test_paths_of_a_table_made_on_windows_are_read_with_slashes_and_named_as_anywhere(tmp_path):
    assert source(tmp_path, r"monday\a.wav") == source(tmp_path, "monday/a.wav")


def test_a_file_with_a_backslash_in_its_name_is_found(tmp_path):
    (tmp_path / r"a\b.wav").touch()
    assert source(tmp_path, r"a\b.wav") == (r"a\b.wav", tmp_path / r"a\b.wav")


@pytest.mark.parametrize("cell", ["zip://", "zip://a.wav", "tar://::a.tar", "zip://a.wav::"])
def test_half_an_address_of_a_member_is_refused(cell):
    with pytest.raises(ValueError, match=r"names no member of an archive; write (zip|tar)://MEMBER::ARCHIVE"):
        source(Path("/data"), cell)


@pytest.mark.parametrize("member", ["clips/a.wav", "../../a.wav", "/etc/a.wav"])
def test_names_of_members_do_not_tell_where_their_archive_lies(member):
    def listed(root, data_path):
        cells = [f"zip://{member}::{root}/audio.zip", f"zip://clips/b.wav::{root}/audio.zip"]
        rows = [Utterance(*source(data_path, cell), "a") for cell in cells]
        return [utterance.name for utterance in portable(rows, data_path)]

    for inside in (True, False):
        places = [(Path(root), Path(root) if inside else Path("/elsewhere")) for root in ("/home/one", "/mnt/two/deep")]
        first, second = (listed(*place) for place in places)
        assert first == second
        assert not any(name.startswith("/") or "home" in name for name in first)
