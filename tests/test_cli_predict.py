"""``emonet-bench predict`` and ``show``: thin, ordered, and honest about what they could not read."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.deploy import Predictor
from tests.exported import LABELS, export_listener

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(export_listener(tmp_path_factory.mktemp("model") / "model.onnx"))


@pytest.fixture
def files(tmp_path):
    """Five clips in a folder and one in a folder of it, named against their order."""
    (tmp_path / "audio" / "inner").mkdir(parents=True)
    made = [tmp_path / "audio" / name for name in ("e.wav", "d.flac", "c.wav", "b.ogg", "a.wav", "inner/f.WAV")]
    for number, file in enumerate(made):
        form = "WAV" if file.suffix == ".WAV" else None
        soundfile.write(file, 0.2 * RNG.standard_normal(3_000 * (number + 1)), 16_000, format=form)
    return [str(file) for file in made]


def emonet(*arguments, stdin=None):
    return CliRunner().invoke(main, list(arguments), input=stdin)


def test_csv_holds_what_the_predictor_says_in_the_order_asked_for(model, files):
    done = emonet("predict", model, *files, "--format", "csv", "--jobs", "3")
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    found = list(Predictor(model, "cpu").predict(files))
    assert [row["file"] for row in rows] == files
    assert [row["prediction"] for row in rows] == [one.label for one in found]
    for row, one in zip(rows, found, strict=True):
        np.testing.assert_allclose([float(row[label]) for label in LABELS], one.probabilities, atol=1e-6)
        assert float(row["end"]) == pytest.approx(one.end)


def test_jsonl_has_one_object_for_each_stretch(model, files):
    done = emonet("predict", model, files[5], "--format", "jsonl", "--window", "0.5", "--hop", "0.25")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["start"], row["end"]) for row in rows] == [(0, 0.5), (0.25, 0.75), (0.5, 1.0), (0.75, 1.125)]
    assert all(list(row["probabilities"]) == list(LABELS) for row in rows)


def test_a_table_names_files_and_labels(model, files):
    done = emonet("predict", model, files[0], "--format", "table")
    (one,) = Predictor(model, "cpu").predict(files[:1])
    assert one.label in done.stdout
    assert f"{one.probabilities.max():.3f}" in done.stdout


def test_folders_are_searched_in_sorted_order_for_audio_alone(model, files, tmp_path):
    (tmp_path / "audio" / "notes.txt").write_text("not audio")
    done = emonet("predict", model, str(tmp_path / "audio"), "--format", "csv")
    assert done.exit_code == 0, done.output
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == sorted(files)


def test_names_come_from_standard_input(model, files):
    done = emonet("predict", model, files[3], "-", "--format", "csv", stdin=f"{files[1]}\n\n{files[0]}\r\n")
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == [files[3], files[1], files[0]]


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


@pytest.mark.parametrize("command", ["predict", "show"])
def test_a_model_that_is_none_is_one_line_with_status_2(tmp_path, files, command):
    (tmp_path / "model.onnx").write_text("hello")
    done = emonet(command, str(tmp_path / "model.onnx"), *(files[:1] if command == "predict" else []))
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "model.onnx: not an ONNX file" in line


def test_a_folder_without_audio_is_one_line_with_status_2(model, tmp_path):
    done = emonet("predict", model, str(tmp_path))
    assert done.exit_code == 2
    assert f"{tmp_path}: holds no audio files" in done.stderr


def test_show_tells_inputs_outputs_labels_and_origin(model):
    done = emonet("show", model)
    assert done.exit_code == 0, done.output
    for text in ("waveform: float ['batch', 'samples']", "lengths: int64", "embedding", "anger, joy, sadness"):
        assert text in done.stdout
    for text in ("16000", "0123456789abcdef", "CC-BY-4.0", "by-speaker", "torch 2.11.0"):
        assert text in done.stdout


def test_show_describes_a_run(tmp_path):
    spec = {"corpus": "emodb", "architecture": "cnn", "architecture_options": {"sizes": [1, 2]}, "source": None}
    scores = {"test": {"uar": 0.7, "recall": {"anger": 0.9}}}
    (tmp_path / "result.json").write_text(json.dumps({"run_id": "beef", "spec": spec, "scores": scores}))
    done = emonet("show", str(tmp_path))
    assert done.exit_code == 0, done.output
    for text in ("beef", "emodb", "cnn", "test (uar 0.7, recall (anger 0.9))", "sizes (1, 2)", "result.json"):
        assert text in done.stdout


def test_show_says_why_a_run_failed(tmp_path):
    error = {"type": "TrainingError", "message": "the loss is [red] hot", "traceback": "..."}
    (tmp_path / "result.json").write_text(json.dumps({"spec": {"corpus": "emodb"}, "error": error}))
    assert "TrainingError: the loss is [red] hot" in emonet("show", str(tmp_path)).stdout


def test_show_of_a_folder_that_is_no_run_is_one_line(tmp_path):
    done = emonet("show", str(tmp_path))
    assert done.exit_code == 2
    assert "not a run's directory" in done.stderr


def test_predict_never_imports_torch(model, files):
    code = (
        "import sys; from emonet_bench.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'pandas', 'sklearn', 'onnx'} & set(sys.modules)), file=sys.stderr)"
    )
    arguments = [sys.executable, "-c", code, "predict", model, files[0], "--format", "csv"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
