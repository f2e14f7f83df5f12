"""Output files of commands: whole or not at all, and one line that names the option."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from emonet_bench.console.outputs import check_kept, check_output, naming, write_output
from emonet_bench.errors import ConfigError, StoreError


def test_a_file_is_written_in_utf8_with_its_own_line_ends(tmp_path):
    write_output(tmp_path / "out.csv", "怒り\r\n", "-o")
    assert (tmp_path / "out.csv").read_bytes() == "怒り\r\n".encode()


def test_a_file_that_cannot_be_written_leaves_what_stood_there(tmp_path):
    (tmp_path / "out.csv").write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_output(tmp_path / "out.csv", "after \ud800", "-o")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.csv", "before")]


@pytest.mark.parametrize("use", [check_output, lambda path, flag: write_output(path, "", flag)])
def test_a_missing_directory_is_one_line_that_names_the_option(tmp_path, use):
    path = tmp_path / "absent" / "out.csv"
    with pytest.raises(StoreError) as caught:
        use(path, "--output")
    remedy = f"make the folder {tmp_path / 'absent'} first"
    assert str(caught.value) == f"--output {path}: cannot be written (No such file or directory); {remedy}"


@pytest.mark.parametrize(("number", "remedy"), [(errno.ENOSPC, "free some space"), (errno.EROFS, "name another file")])
def test_what_goes_wrong_while_it_is_written_names_the_option_and_a_remedy(number, remedy):
    with (
        pytest.raises(StoreError, match=f"^--output out.csv: cannot be written .*; {remedy}$"),
        naming(Path("out.csv"), "--output"),
    ):
        raise OSError(number, os.strerror(number))


def test_a_reader_that_has_left_is_no_mistake_in_the_output():
    with pytest.raises(BrokenPipeError), naming(Path("/dev/stdout"), "--output"):
        raise BrokenPipeError


def test_a_file_in_an_existing_directory_may_be_written_later(tmp_path):
    check_output(tmp_path / "out.csv", "-o")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a named pipe")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)  # which waits for nobody
    try:
        write_output(tmp_path / "pipe", "a,b\n", "-o")
        assert os.read(reader, 100) == b"a,b\n"
    finally:
        os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_an_output_that_is_read_under_another_name_is_refused(tmp_path):
    given, other = tmp_path / "given.csv", tmp_path / "other.csv"
    given.touch()
    other.hardlink_to(given)
    with pytest.raises(ConfigError, match=r"^-o .*other\.csv: is read from, and would be replaced; name another file$"):
        check_kept(other, [tmp_path / "absent.csv", given], "-o")
    assert check_kept(tmp_path / "new.csv", [given], "-o") is None
