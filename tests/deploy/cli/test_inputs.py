"""Inputs of ``predict``: folders are searched, names from standard input are answered as they come."""

import csv
import io
import os
import subprocess
import sys

import pytest

from tests.deploy.cli.running import emonet, process


def test_folders_are_searched_in_sorted_order_for_audio_alone(model, files, tmp_path):
    (tmp_path / "audio" / "notes.txt").write_text("not audio")
    done = emonet("predict", model, str(tmp_path / "audio"), "--format", "csv")
    assert done.exit_code == 0, done.output
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == sorted(files)


def test_names_come_from_standard_input(model, files):
    done = emonet("predict", model, files[3], "-", "--format", "csv", stdin=f"{files[1]}\n\n{files[0]}\r\n")
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == [files[3], files[1], files[0]]


def test_a_closed_standard_input_is_one_line(model):
    line = f'"{sys.executable}" -m emonet_bench.deploy predict "{model}" - <&-'
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "Error: -: standard input is closed; name files or folders instead\n"


@pytest.mark.parametrize(
    ("argument", "message"), [("empty", "empty: holds no audio files"), ("", "FILES: one of them is an empty name")]
)
def test_an_argument_that_stands_for_no_file_ends_the_call_before_any_work(
    model, files, tmp_path, monkeypatch, argument, message
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    done = emonet("predict", model, files[0], argument, files[1], "--format", "csv")
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert message in line


def test_a_folder_without_audio_is_one_line_with_status_2(model, tmp_path):
    done = emonet("predict", model, str(tmp_path))
    assert done.exit_code == 2
    assert f"{tmp_path}: holds no audio files" in done.stderr


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_coprocess_that_writes_one_name_gets_its_answer_before_it_writes_the_next(model, files, form):
    with process(model, "-", "--format", form) as predicting:
        if form == "csv":
            assert predicting.stdout.readline().startswith(b"file,start,end,")
        for name in files[:3]:
            predicting.stdin.write(name.encode() + b"\n")
            predicting.stdin.flush()
            assert name.encode() in predicting.stdout.readline()  # would wait for ever
        rest, _ = predicting.communicate(files[3].encode())  # a last line without its end
        assert files[3].encode() in rest
    assert predicting.returncode == 0


def test_names_that_come_in_any_pieces_are_put_together(model, files):
    with process(model, "-", "--format", "csv") as predicting:
        for place in range(0, len(files[0]), 7):
            predicting.stdin.write(files[0][place : place + 7].encode())
            predicting.stdin.flush()
        told, _ = predicting.communicate(b"\n\n" + files[1].encode() + b"\r\n")
    assert [row["file"] for row in csv.DictReader(io.StringIO(told.decode()))] == files[:2]


def test_files_that_libsndfile_cannot_read_are_named_and_what_is_hidden_is_not(model, files, tmp_path):
    folder = tmp_path / "audio"
    for name in (
        "talk.m4a",
        "inner/film.WEBM",
        "._a.wav",
        ".hidden/x.wav",
        "@eaDir/a.wav",
        "__MACOSX/a.wav",
        "notes.txt",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no audio at all")
    done = emonet(model, str(folder), "--format", "csv")
    assert done.exit_code == 1
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == sorted(files)
    skipped = sorted(done.stderr.splitlines())
    assert len(skipped) == 2
    assert skipped[0].startswith(
        f"Skipped: {folder / 'inner/film.WEBM'}: libsndfile does not read .webm files; convert"
    )
    assert skipped[1].startswith(f"Skipped: {folder / 'talk.m4a'}: libsndfile does not read .m4a files; convert")


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need rights there")
def test_a_link_to_nothing_and_a_pipe_in_a_folder_are_named(model, files, tmp_path):
    folder = tmp_path / "audio"
    (folder / "lost.wav").symlink_to("nowhere.wav")
    os.mkfifo(folder / "pipe.wav")
    done = emonet(model, str(folder), "--format", "csv")
    assert done.exit_code == 1
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == sorted(files)
    lost, pipe = done.stderr.splitlines()
    assert lost == f"Skipped: {folder}/lost.wav: cannot be read: no such file or directory"
    assert pipe.startswith(f"Skipped: {folder}/pipe.wav: ")
