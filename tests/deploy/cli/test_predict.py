"""``emonet-predict predict``: files, streams and outputs, and what it imports for them."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy import Predictor
from tests.deploy.cli.running import emonet, process

RNG = np.random.default_rng(0)


def test_files_that_cannot_be_read_are_named_and_skipped_with_status_1(model, files, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_text("not audio")
    missing = str(tmp_path / "missing.wav")
    done = emonet("predict", model, files[0], str(bad), missing, files[1], "--format", "csv")
    assert done.exit_code == 1
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == files[:2]
    skipped = done.stderr.splitlines()
    assert len(skipped) == 2
    assert skipped[0].startswith(f"Skipped: {bad}: ")
    assert skipped[1].startswith(f"Skipped: {missing}: ")


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_a_file_whose_name_holds_a_line_break_is_skipped_in_one_line(model, files, tmp_path):
    bad = tmp_path / "first\nsecond.wav"
    bad.write_text("")
    done = emonet("predict", model, files[0], str(bad), "--format", "csv")
    assert done.exit_code == 1
    (skipped,) = done.stderr.splitlines()
    assert skipped == f"Skipped: {tmp_path}/first second.wav: empty: zero bytes"


@pytest.mark.parametrize("command", ["predict", "show"])
def test_a_model_that_is_none_is_one_line_with_status_2(tmp_path, files, command):
    (tmp_path / "model.onnx").write_text("hello")
    done = emonet(command, str(tmp_path / "model.onnx"), *(files[:1] if command == "predict" else []))
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "model.onnx: not an ONNX file" in line


def test_predict_never_imports_torch(model, files):
    code = (
        "import sys; from emonet_bench.deploy.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'pandas', 'sklearn', 'onnx', 'pydantic', 'pluggy', 'rich_click'} & set(sys.modules)), file=sys.stderr)"
    )
    arguments = [sys.executable, "-c", code, "predict", model, files[0], "--format", "csv"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_a_stream_says_what_the_file_says_and_each_line_at_once(model, tmp_path):
    samples = (0.2 * RNG.standard_normal((20_000, 2))).astype(np.float32)
    soundfile.write(tmp_path / "clip.wav", samples, 8_000, subtype="FLOAT")
    options = ("--window", "0.5", "--hop", "0.25", "--format", "jsonl")
    whole = [
        json.loads(line) for line in emonet("predict", model, str(tmp_path / "clip.wav"), *options).stdout.splitlines()
    ]
    raw = ("--stream", "--encoding", "f32le", "--rate", "8000", "--channels", "2")
    with process(model, *raw, *options) as listening:
        half = samples[:12_000].astype("<f4").tobytes()
        listening.stdin.write(half[:-3])
        listening.stdin.flush()
        first = [json.loads(listening.stdout.readline()) for _ in range(4)]  # would wait for ever
        rest, _ = listening.communicate(half[-3:] + samples[12_000:].astype("<f4").tobytes())
    assert listening.returncode == 0
    found = first + [json.loads(line) for line in rest.splitlines()]
    assert [(row["start"], row["end"]) for row in found] == [(row["start"], row["end"]) for row in whole]
    for row, one in zip(found, whole, strict=True):
        np.testing.assert_allclose(list(row["probabilities"].values()), list(one["probabilities"].values()), atol=1e-4)
    done = emonet("--stream", model, *options, stdin=(tmp_path / "clip.wav").read_bytes())
    assert [json.loads(line) for line in done.stdout.splitlines()] == found


def test_an_output_takes_an_older_ones_place_whole_or_not_at_all(model, files, tmp_path, monkeypatch):
    out = tmp_path / "out.csv"
    out.write_text("older")
    done = emonet(model, *files, "--format", "csv", "-o", str(out))
    assert (done.exit_code, done.stdout) == (0, "")
    assert out.read_text() == emonet(model, *files, "--format", "csv").stdout
    monkeypatch.setattr(Predictor, "rows", lambda *_: iter([{}["broken"]]))
    assert isinstance(emonet(model, *files, "--format", "csv", "-o", str(out)).exception, KeyError)
    assert [path.name for path in tmp_path.iterdir()] == ["audio", "out.csv"]
    assert out.read_text().startswith("file,start,")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_resume_scores_only_what_is_missing_and_ends_as_if_it_had_run_at_once(
    model, files, tmp_path, monkeypatch, form
):
    options = ("--window", "0.25", "--format", form)
    whole = emonet(model, *files, *options).stdout_bytes
    asked = []
    predict = Predictor.predict
    monkeypatch.setattr(
        Predictor, "predict", lambda self, names, **more: asked.append(names) or predict(self, names, **more)
    )
    out = tmp_path / "out"
    for cut in (0, len(whole) // 2, len(whole) - 1, len(whole)):
        out.write_bytes(whole[:cut])
        assert emonet(model, *files, *options, "-o", str(out), "--resume").exit_code == 0
        assert out.read_bytes() == whole
    assert asked == [files, *asked[1:3], files[-1:]]
    assert 1 < len(asked[1]) < len(files)
    out.unlink()
    assert emonet(model, *files, *options, "-o", str(out), "--resume").exit_code == 0
    assert out.read_bytes() == whole
