"""The files of a run: written whole, in order, and read by one reader each."""

import os
from pathlib import Path

import pytest

from emonet_bench.errors import StoreError
from emonet_bench.runs.files import RunFiles, file_hash
from emonet_bench.runs.record import LONGEST_RECORD
from tests.runs.test_store import CELL
from tests.written import finished


@pytest.mark.parametrize("content", ["", "{", "[1]", "[" * 100_000, '{"a": 1e999}', '{"a": NaN}', '{"a": "\\ud800"}'])
def test_a_damaged_record_names_its_file_in_one_line(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(StoreError, match=r"result\.json: damaged") as caught:
        RunFiles(tmp_path).read_record()
    assert len(str(caught.value).splitlines()) == 1


def test_a_record_that_is_no_file_is_one_line_and_not_waited_for(tmp_path):
    for make in (os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path)):
        run = tmp_path / str(len(list(tmp_path.iterdir())))
        run.mkdir()
        make(run / "result.json")
        with pytest.raises(StoreError):
            RunFiles(run).read_record()


def test_a_record_of_any_size_is_not_read_whole(tmp_path):
    with (tmp_path / "result.json").open("wb") as stream:
        stream.truncate(100 * 2**20)
    with pytest.raises(StoreError, match=f"longer than {LONGEST_RECORD // 2**20} MiB"):
        RunFiles(tmp_path).read_record()


def test_a_record_appears_after_everything_that_it_speaks_of_has_reached_the_disk(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr("os.fsync", lambda handle: told.append(Path(f"/proc/self/fd/{handle}").readlink().name))
    (tmp_path / "model.safetensors").touch()
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: (told.append(f"-> {target.name}"), replace(self, target)))
    RunFiles(tmp_path).write_record(finished(CELL))
    first, temporary, renamed, directory = told
    assert (first, renamed, directory) == ("model.safetensors", "-> result.json", tmp_path.name)
    assert temporary.endswith(".part")
    assert RunFiles(tmp_path).read_record() == finished(CELL)


def test_a_missing_checkpoint_names_its_file(tmp_path):
    with pytest.raises(StoreError, match=r"model\.safetensors"):
        file_hash(tmp_path)


def test_a_checkpoint_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(StoreError, match="is no regular file"):
        RunFiles(tmp_path).hashes()


def test_a_directory_is_no_file_that_a_run_wrote(tmp_path):
    (tmp_path / "model.safetensors").mkdir()
    assert RunFiles(tmp_path).hashes() == {}


def test_names_of_corpora_lead_nowhere_else(tmp_path):
    files = RunFiles(tmp_path)
    assert files.predictions("emodb").name == "predictions-emodb.csv"
    assert files.onnx("emodb").name == "model-emodb.onnx"
    for ask in (files.checkpoint, files.predictions, files.onnx):
        with pytest.raises(StoreError, match="is no name of a file"):
            ask("/../../x")
