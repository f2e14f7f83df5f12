"""What ``predict`` says beside its results, and when."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from rich.progress import Progress

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.cli import predict as command
from tests.deploy.cli.running import emonet
from tests.exported import export_listener


def test_the_progress_bar_counts_files_when_they_are_done_and_stays_until_the_end(model, files, tmp_path, monkeypatch):
    heard, moved, predict, stop = [], [], Predictor.predict, Progress.stop
    (tmp_path / "bad.wav").write_text("not audio")
    names = [files[0], str(tmp_path / "bad.wav"), *files[1:]]

    def watched(*arguments, **options):
        for one in predict(*arguments, **options):
            if not one.start:  # of the files before it, those that failed count, too
                assert len(moved) == names.index(one.file)
            heard.append(one.file)
            yield one

    def stopped(bar):
        assert len(moved) == bar.tasks[0].total == len(names)
        assert len(set(heard)) == len(files) < len(heard)
        heard.append("the end")
        stop(bar)

    monkeypatch.setattr(command, "is_quiet", lambda *_: True)
    monkeypatch.setattr(Predictor, "predict", watched)
    monkeypatch.setattr(Progress, "advance", lambda *_: moved.append(1))
    monkeypatch.setattr(Progress, "stop", stopped)
    done = emonet("predict", model, *names, "--window", "0.25")
    assert done.exit_code == 1, done.output
    assert heard[-1] == "the end"


def test_rows_go_to_a_file_while_the_bar_has_the_terminal(model, files, tmp_path):
    pty = pytest.importorskip("pty")
    terminal, end = pty.openpty()
    with (tmp_path / "out").open("w") as out:
        line = [sys.executable, "-m", "emonet_bench.deploy", "predict", model, *files, "--format", "jsonl"]
        subprocess.run(line, stdout=out, stderr=end, check=True)
    os.close(end)
    assert [json.loads(row)["file"] for row in (tmp_path / "out").read_text().splitlines()] == files
    assert b"6/6" in os.read(terminal, 65_536)
    os.close(terminal)


@pytest.mark.parametrize(
    ("options", "hop", "told"), [([], "", True), (["--window", "0.25"], "", False), ([], "0.1", False)]
)
def test_a_model_that_hears_the_middle_of_longer_stretches_says_so_once(files, tmp_path, options, hop, told):
    model = export_listener(tmp_path / "centred.onnx", window=4_000, hop=hop)
    done = emonet("predict", str(model), *files, "--format", "csv", *options)
    assert done.exit_code == 0, done.output
    note = "Note: of a longer stretch the model hears 0.25 s in its middle; try --window 0.25\n"
    assert done.stderr == (note if told else "")


def test_a_long_file_that_is_heard_in_parts_is_said_to_be_once(model, tmp_path):
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(61 * 8_000), 8_000)
    told = emonet("predict", str(model), str(tmp_path), "--format", "csv").stderr
    assert told == "Note: of what lasts more than 60 s, the mean over parts of it is told; try a --window\n"
    assert emonet("predict", str(model), str(tmp_path), "--format", "csv", "--window", "70").stderr == ""


@pytest.mark.parametrize(
    ("licence", "told"), [("CC BY-NC-SA 4.0", True), ("research only", True), ("CC BY 4.0", False)]
)
def test_a_model_whose_corpus_is_for_research_says_so_once(files, tmp_path, licence, told):
    model = export_listener(tmp_path / "model.onnx", licence=licence)
    done = emonet(str(model), *files, "--format", "csv")
    note = f"Note: the model was trained on ours, whose licence restricts its use: {licence}\n"
    assert done.stderr == (note if told else "")


def test_a_timeline_of_which_nothing_is_left_says_so(model, files):
    told = [
        emonet(model, files[0], "--window", "0.1", "--format", form, *more)
        for form in ("csv", "table", "rttm")
        for more in (("--gate", "-1"), ("--min-duration", "9"), ("--gate", "-90"))
    ]
    note = "Note: --gate and --min-duration leave no segment; lower them\n"
    assert [one.stderr for one in told] == [note, note, ""] * 3
    assert {one.exit_code for one in told} == {0}
