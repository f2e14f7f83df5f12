"""``emonet-predict predict``: thin, ordered, and honest about what they could not read."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from rich.progress import Progress

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.cli import main
from emonet_bench.deploy.cli import predict as command
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
        np.testing.assert_allclose(
            [float(row[f"probability:{label}"]) for label in LABELS], one.probabilities, atol=1e-6
        )
        assert float(row["end"]) == pytest.approx(one.end)


def test_it_abstains_when_it_is_asked_to(files, tmp_path):
    model = str(export_listener(tmp_path / "m.onnx", abstain_below="1.0"))
    done = emonet("predict", model, files[0], "--format", "jsonl", "--abstain")
    assert json.loads(done.stdout)["prediction"] == "uncertain"
    assert json.loads(emonet("predict", model, files[0], "--format", "jsonl").stdout)["prediction"] in LABELS


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


def test_a_table_shows_brackets_as_they_stand(files, tmp_path, monkeypatch):
    model = export_listener(tmp_path / "model.onnx", labels=json.dumps(["[/red]", "[bold]", "[x]"]))
    clip = tmp_path / "Talk [id].wav"
    clip.write_bytes((tmp_path / "audio" / "c.wav").read_bytes())
    monkeypatch.chdir(tmp_path)
    done = emonet("predict", str(model), clip.name)
    assert done.exit_code == 0, done.output
    (one,) = Predictor(model, "cpu").predict(clip)
    assert clip.name in done.stdout
    assert one.label in done.stdout


def test_folders_are_searched_in_sorted_order_for_audio_alone(model, files, tmp_path):
    (tmp_path / "audio" / "notes.txt").write_text("not audio")
    done = emonet("predict", model, str(tmp_path / "audio"), "--format", "csv")
    assert done.exit_code == 0, done.output
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == sorted(files)


def test_names_come_from_standard_input(model, files):
    done = emonet("predict", model, files[3], "-", "--format", "csv", stdin=f"{files[1]}\n\n{files[0]}\r\n")
    assert [row["file"] for row in csv.DictReader(io.StringIO(done.stdout))] == [files[3], files[1], files[0]]


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
@pytest.mark.parametrize("form", ["csv", "jsonl", "table"])
@pytest.mark.parametrize("way", ["argument", "folder", "stdin"])
def test_a_name_that_is_not_unicode_comes_out_as_it_went_in_but_for_a_console(
    model, files, tmp_path, monkeypatch, form, way
):
    (tmp_path / "audio" / "c.wav").rename(tmp_path / "audio" / os.fsdecode(b"c_\xe9.wav"))
    monkeypatch.chdir(tmp_path)
    name = b"audio/c_\xe9.wav"
    given = {"argument": os.fsdecode(name), "folder": "audio", "stdin": "-"}[way]
    done = emonet("predict", model, given, "--format", form, stdin=name + b"\n")
    assert done.exit_code == 0, done.output
    if form == "jsonl":
        rows = [json.loads(line) for line in done.stdout_bytes.decode().splitlines()]
        assert os.fsdecode(name) in [row["file"] for row in rows]
    elif form == "table":  # a console is shown what it cannot obey
        assert b"audio/c_\\udce9.wav" in done.stdout_bytes
    else:
        assert name in done.stdout_bytes


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

    monkeypatch.setattr(command, "_is_quiet", lambda form: True)
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
