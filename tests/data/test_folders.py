"""What a corpus's card may read of its folder."""

import os

import pytest

from emonet_bench.data.folders import check_within, is_special
from emonet_bench.errors import CorpusError


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


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
