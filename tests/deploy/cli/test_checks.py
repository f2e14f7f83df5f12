"""Options of ``predict`` that do not go together are one line, before any work."""

from pathlib import Path

import pytest

from tests.deploy.cli.running import emonet


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
        (["a.wav", "b.wav", "--format", "webvtt", "--window", "1"], "webvtt: holds a single file; name a folder for"),
        (["clip.wav", "--format", "csv", "-o", "."], "--output .: is a folder; name a file"),
        (["a.wav", "b.wav", "--format", "webvtt", "--window", "1", "-o", "/dev/null"], "is no folder; name one"),
        (
            ["clip.wav", "--window", "1", "--gate", "loud"],
            "'loud' is neither decibels up to 0, such as -50, nor silero",
        ),
        (
            ["a.wav", "b.wav", "--format", "webvtt", "--window", "1", "-o", "c.vtt"],
            "several recordings go into a folder",
        ),
        (["clip.wav", "--window", "1", "--gate", "50"], "'50' is neither decibels up to 0"),
        (["clip.wav", "--window", "1", "--gate", "nan"], "'nan' is neither decibels up to 0"),
        (["clip.wav", "--resume"], "--resume: needs an --output, and --format csv or jsonl"),
        (["clip.wav", "--output", "out"], "--output: a table is for people; give a --format"),
        (
            ["clip.wav", "--format", "csv", "--output", "absent/out"],
            "absent/out: cannot be written (No such file or directory); make the folder absent first",
        ),
        (["clip.wav", "--format", "parquet"], "--format parquet: needs an --output"),
    ],
)
def test_what_does_not_go_together_is_one_line_and_nothing_is_written(model, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    done = emonet("predict", model, *arguments, stdin=b"\0" * 100)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("which", ["model", "file", "found in a folder", "link"])
def test_nothing_that_is_read_is_replaced(model, files, tmp_path, form, which):
    pytest.importorskip("pyarrow")
    own = tmp_path / "model.onnx"
    own.write_bytes(Path(model).read_bytes())
    (tmp_path / "link").symlink_to(files[0])
    output = {"model": own, "file": files[0], "found in a folder": files[0], "link": tmp_path / "link"}[which]
    given = Path(files[0]).parent if which == "found in a folder" else files[0]
    before = Path(output).read_bytes()
    done = emonet(str(own), str(given), "--format", form, "-o", str(output))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"Error: --output {output}: is read from, and would be replaced; name another file\n"
    assert Path(output).read_bytes() == before
