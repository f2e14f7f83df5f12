import os

import pytest

from emonet_bench.data.folders import check_within, files_in, is_special, passed_over
from emonet_bench.errors import CorpusError


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_pipes_and_devices_are_told_from_files_and_from_links_to_nothing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "file").touch()
    assert [is_special(tmp_path / name) for name in ("pipe", "zero", "gone", "file")] == [True, True, False, False]


def test_a_file_elsewhere_is_refused_however_it_is_reached(tmp_path):
    touch(tmp_path / "secret.txt")
    touch(tmp_path / "mine" / "list.txt")
    (tmp_path / "mine" / "link.txt").symlink_to("../secret.txt")
    (tmp_path / "mine" / "up").symlink_to("..")
    check_within(tmp_path / "mine", tmp_path / "mine" / "list.txt", "card")
    for name in ("link.txt", "../secret.txt", "up/secret.txt", "../*.txt"):
        with pytest.raises(CorpusError, match=r"card: .* lies outside of .*mine; put it there") as caught:
            check_within(tmp_path / "mine", tmp_path / "mine" / name, "card")
        assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"nowhere: cannot be read \(No such file"):
        list(files_in(tmp_path / "nowhere"))
