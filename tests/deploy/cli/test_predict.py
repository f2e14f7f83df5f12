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


def process(*arguments, **options):
    command = [sys.executable, "-m", "emonet_bench.deploy", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)


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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--stream", "clip.wav"], "--stream: audio comes from standard input; leave FILES out"),
        (["--stream"], "--stream: needs a --window, since the model hears all that it is given"),
        (["--stream", "--window", "1"], "stream: does not begin like a WAV file"),
        (["--stream", "--window", "1", "--rate", "8000"], "--rate, --channels: a WAV file says them itself"),
        (["--stream", "--window", "1", "--encoding", "s16le", "--channels", "0"], "channels: must lie in 1 to 64"),
        (["clip.wav", "--rate", "8000"], "--rate: is for raw PCM from standard input; add --stream"),
        ([], "FILES: name files or folders, or - to read names"),
        (["clip.wav", "--timeline"], "--timeline: needs a --window"),
        (["clip.wav", "--format", "rttm"], "--format rttm: needs a --window"),
        (["a.wav", "b.wav", "--format", "webvtt", "--window", "1"], "--format webvtt: holds a single file"),
        (["clip.wav", "--resume"], "--resume: needs an --output, and --format csv or jsonl"),
        (["clip.wav", "--output", "out"], "--output: a table is for people; give a --format"),
        (["clip.wav", "--format", "csv", "--output", "absent/out"], "--output absent/out: cannot be written"),
        (["clip.wav", "--format", "parquet"], "--format parquet: needs an --output"),
    ],
)
def test_what_does_not_go_together_is_one_line_and_nothing_is_written(model, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    done = emonet("predict", model, *arguments, stdin=b"\0" * 100)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


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


def test_timelines_come_in_each_format(model, files, tmp_path):
    rules = ("--window", "0.25", "--smooth", "0.5", "--min-duration", "0.5")
    rows = list(csv.DictReader(io.StringIO(emonet(model, files[5], *rules, "--format", "csv").stdout)))
    assert [row["start"] for row in rows[1:]] == [row["end"] for row in rows[:-1]]
    assert float(rows[-1]["end"]) == pytest.approx(1.125)
    rttm = emonet(model, *files[4:], *rules, "--format", "rttm").stdout.splitlines()
    assert {line.split()[1] for line in rttm} == set(files[4:])
    grid = emonet(model, files[5], *rules, "--format", "textgrid").stdout
    assert f"intervals: size = {len(rows)}" in grid
    cues = emonet(model, files[5], *rules, "--format", "webvtt").stdout
    assert cues.count(" --> ") == len(rows)
    quiet = emonet(model, files[5], *rules, "--gate", "0", "--format", "csv")
    assert quiet.stdout.count("\n") == 1


def test_parquet_holds_the_columns_of_the_csv(model, files, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    done = emonet(model, *files, "--window", "0.25", "--format", "parquet", "-o", str(out))
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    rows = list(csv.DictReader(io.StringIO(emonet(model, *files, "--window", "0.25", "--format", "csv").stdout)))
    table = parquet.read_table(out)
    assert table.column_names == list(rows[0])
    for row, expected in zip(table.to_pylist(), rows, strict=True):
        assert [row["file"], row["prediction"]] == [expected["file"], expected["prediction"]]
        for name in (name for name in row if name not in ("file", "prediction")):
            assert row[name] == pytest.approx(float(expected[name]), abs=1e-6)


def test_parquet_without_its_package_is_one_line_before_any_work(model, files, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = emonet(model, "absent.wav", "--format", "parquet", "-o", str(tmp_path / "out"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: --format parquet: needs the package pyarrow; pip install 'emonet-bench[parquet]', or take csv\n"
    )


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


@pytest.mark.parametrize(
    ("licence", "told"), [("CC BY-NC-SA 4.0", True), ("research only", True), ("CC BY 4.0", False)]
)
def test_a_model_whose_corpus_is_for_research_says_so_once(files, tmp_path, licence, told):
    model = export_listener(tmp_path / "model.onnx", licence=licence)
    done = emonet(str(model), *files, "--format", "csv")
    note = f"Note: the model was trained on ours, whose licence restricts its use: {licence}\n"
    assert done.stderr == (note if told else "")
