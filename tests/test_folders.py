"""Folders are walked to their depth, and loops end."""

import pytest

from emonet_bench.errors import CorpusError
from emonet_bench.folders import files_in, passed_over


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def found(folder):
    return [path.relative_to(folder).as_posix() for path in files_in(folder)]


def test_linked_folders_are_entered_after_real_ones_and_loops_end(tmp_path):
    for name in ("mine/b/1.wav", "mine/a/2.wav", "away/x/3.wav"):
        touch(tmp_path / name)
    (tmp_path / "mine" / "0").symlink_to(tmp_path / "away")
    (tmp_path / "mine" / "alias").symlink_to(tmp_path / "mine" / "b")
    (tmp_path / "mine" / "a" / "loop").symlink_to("..")
    (tmp_path / "away" / "x" / "back").symlink_to(tmp_path / "mine")
    (tmp_path / "mine" / "self").symlink_to("self")
    assert sorted(found(tmp_path / "mine")) == ["0/x/3.wav", "a/2.wav", "b/1.wav", "self"]


def test_what_desktops_and_archives_leave_behind_is_passed_over(tmp_path):
    for name in ("a.wav", "._a.wav", ".b.wav", "@eaDir/a.wav", ".Trash-1000/a.wav", "__MACOSX/d/._a.wav", ".git/x.wav"):
        touch(tmp_path / name)
    assert found(tmp_path) == ["a.wav"]
    assert [passed_over(name) for name in ("@eaDir", "._x", "$RECYCLE.BIN", "wav", "a.b")] == [True] * 3 + [False] * 2


def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"nowhere: cannot be read \(No such file"):
        list(files_in(tmp_path / "nowhere"))
