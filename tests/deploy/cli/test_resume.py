"""Resuming: cut anywhere, an output becomes what it would have been at once."""

import pytest

from emonet_bench.deploy.cli.resume import NOTHING, read_done
from emonet_bench.errors import ConfigError
from tests.deploy.cli.running import emonet
from tests.exported import export_cnn

COLUMNS = ["file", "start", "end", "prediction", "probability:anger", "probability:joy"]
FILES = ["a.wav", 'b "x",\n.wav', "c.wav"]
CSV = [
    ",".join(COLUMNS) + "\n",
    "a.wav,0,1,joy,0.1,0.9\na.wav,1,2,joy,0.1,0.9\n",
    '"b ""x"",\n.wav",0,1,joy,0.1,0.9\n',
    "c.wav,0,1,joy,0.1,0.9\nc.wav,1,2,joy,0.1,0.9\n",
]
JSONL = [
    "".join(
        f'{{"file": "{name}", "start": 0, "end": 1, "prediction": "joy", "probabilities": {{"anger": 0.1, "joy": 0.9}}}}\n'
        for _ in range(times)
    )
    for name, times in (("a.wav", 2), ("b.wav", 1), ("c.wav", 2))
]


def expected(parts, names, cut):
    """The complete files but the last, and where the last of those that have begun begins."""
    starts = [sum(len(part) for part in parts[:number]) for number in range(len(parts) + 1)]
    first = len(parts) - len(names)
    begun = [
        number
        for number in range(len(names))
        if "\n" in "".join(parts)[starts[first + number] : cut].replace(",\n", ",")
    ]
    if not begun:
        return None
    return frozenset(names[: begun[-1]]), starts[first + begun[-1]]


@pytest.mark.parametrize(
    ("form", "parts", "names"), [("csv", CSV, FILES), ("jsonl", JSONL, ["a.wav", "b.wav", "c.wav"])]
)
def test_wherever_it_was_cut_all_files_but_the_last_that_has_begun_are_done(tmp_path, form, parts, names):
    whole = "".join(parts)
    for cut in range(len(parts[0]) + 1, len(whole) + 1):
        (tmp_path / "out").write_text(whole[:cut], newline="")
        done = read_done(tmp_path / "out", form, COLUMNS, lambda _: True)
        wanted = expected(parts, names, cut)
        if wanted is not None:
            assert (done.files - {""}, done.size) == wanted


def test_a_missing_or_empty_output_holds_nothing(tmp_path):
    assert read_done(tmp_path / "out", "csv", COLUMNS, {"a.wav"}.__contains__) == NOTHING
    (tmp_path / "out").touch()
    assert read_done(tmp_path / "out", "csv", COLUMNS, {"a.wav"}.__contains__) == NOTHING
    (tmp_path / "out").write_text(CSV[0])
    assert read_done(tmp_path / "out", "csv", COLUMNS, {"a.wav"}.__contains__).size == len(CSV[0])


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("csv", "file,start,end,prediction,probability:sadness\n"),
        ("csv", CSV[0] + "a.wav,0\n"),
        ("csv", "notes of mine\n"),
        ("jsonl", '{"file": "a.wav"}\n'),
        ("jsonl", "[1]\n"),
        ("jsonl", "notes\n"),
        ("jsonl", JSONL[0].replace("anger", "sadness")),
    ],
)
def test_what_is_not_an_output_of_the_model_is_refused_and_left_alone(tmp_path, form, text):
    (tmp_path / "out").write_text(text)
    with pytest.raises(ConfigError, match="out is not what this model writes with --format"):
        read_done(tmp_path / "out", form, COLUMNS, {"a.wav"}.__contains__)
    assert (tmp_path / "out").read_text() == text


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_files_that_are_not_asked_for_again_are_kept_and_a_line_that_was_cut_is_not(model, files, tmp_path, form):
    out = tmp_path / "out"
    options = ("--window", "0.1", "--format", form, "-o", str(out), "--resume")
    for some in (files[:2], files[2:4]):
        assert emonet(model, *some, *options).exit_code == 0
    with out.open("a") as stream:
        stream.write("{cut" if form == "jsonl" else "cut,0.1")
    assert emonet(model, *files[4:], *options).exit_code == 0
    assert out.read_text() == emonet(model, *files, *options[:4]).stdout


def test_names_from_standard_input_that_were_answered_are_kept(model, files, tmp_path):
    out = tmp_path / "out"
    for name in (*files, files[0]):
        done = emonet(model, "-", "--format", "csv", "-o", str(out), "--resume", stdin=name)
        assert done.exit_code == 0, done.output
    assert out.read_text() == emonet(model, *files, "--format", "csv").stdout


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_another_model_or_other_options_say_is_not_mixed_in(model, files, tmp_path, form):
    out = tmp_path / "out"
    options = ("--format", form, "-o", str(out), "--resume")
    assert emonet(model, *files[:3], "--window", "0.1", *options).exit_code == 0
    before = out.read_bytes()
    other = str(export_cnn(tmp_path / "other.onnx"))
    for command in ((model,), (model, "--window", "0.2"), (other, "--window", "0.1")):
        done = emonet(*command, *files, *options)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith(
            f"Error: --resume: {out} holds what another model or other options say of {files[2]}; "
        )
        assert out.read_bytes() == before
    assert emonet(model, *files, "--window", "0.1", *options).exit_code == 0
