"""Files are written whole or not at all, and names of strangers lead nowhere else."""

import os
import stat

import pytest

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.files import atomic_path, check_regular, child, write_bytes, write_text


def test_a_text_is_replaced_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "first\n")
    write_text(path, "zwölf\r\n")
    assert path.read_bytes() == "zwölf\r\n".encode()
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_has_the_mode_that_an_ordinary_one_has(tmp_path):
    (tmp_path / "ordinary").touch()
    write_bytes(tmp_path / "ours", b"x")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ordinary", "ours")}
    assert len(modes) == 1


def test_a_writer_that_puts_a_private_file_in_place_changes_no_mode(tmp_path):
    (tmp_path / "ordinary").touch()
    with atomic_path(tmp_path / "ours") as temporary:
        temporary.unlink()
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ordinary", "ours")}
    assert len(modes) == 1


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="full"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("full")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_link_is_replaced_and_its_target_kept(tmp_path):
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("precious")
    link.symlink_to(victim)
    write_text(link, "new")
    assert (victim.read_text(), link.read_text(), link.is_symlink()) == ("precious", "new", False)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_never_replaced(tmp_path, make):
    path = tmp_path / "a.txt"
    make(path)
    before = path.stat()
    with pytest.raises(OSError, match="a folder, a pipe or a device stands there, and no file") as caught:
        write_text(path, "new")
    assert caught.value.filename == str(path)
    assert os.path.samestat(path.stat(), before)
    assert os.listdir(tmp_path) == ["a.txt"]


def test_nothing_planted_under_a_predictable_name_is_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("a.txt.part", "a.part", ".a.txt.part"):
        (tmp_path / name).symlink_to(victim)
    write_text(tmp_path / "a.txt", "new")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "/etc/passwd", "a/b", "a\\b", "C:x", "a\0b", "a\nb", "x" * 256, "é" * 200]
)
def test_a_name_that_leads_elsewhere_is_refused_in_one_line(tmp_path, name):
    with pytest.raises(StoreError, match=r"^result\.json: ") as caught:
        child(tmp_path, name, "result.json")
    assert "\n" not in str(caught.value)


def test_an_ordinary_name_stays_within_its_directory(tmp_path):
    assert child(tmp_path, "emodb+ravdess-cnn-s0-1a2b3c4d", "result.json").parent == tmp_path


def test_only_regular_files_are_read(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(os.devnull)
    for path in (pipe, tmp_path, tmp_path / "link"):
        with pytest.raises(ConfigError, match="is no regular file"):
            check_regular(path, "--table")
    check_regular(tmp_path / "absent", "--table")
    write_text(tmp_path / "file", "x")
    check_regular(tmp_path / "file", "--table")
