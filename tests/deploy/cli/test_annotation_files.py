"""Annotations of several recordings go into a folder, each under its recording's name, or nothing is scored."""

import csv
import io
import re

import numpy as np
import pytest
import soundfile

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.cli.annotation_files import AnnotationFolder
from emonet_bench.errors import ConfigError
from tests.deploy.cli.running import emonet

RULES = ("--window", "0.25", "--smooth", "0.5", "--min-duration", "0.25")


@pytest.mark.parametrize(("form", "suffix"), [("textgrid", "TextGrid"), ("webvtt", "vtt")])
@pytest.mark.parametrize("way", ["folder", "files", "names"])
def test_each_recording_has_the_annotation_that_it_would_have_alone(model, files, tmp_path, form, suffix, way):
    given = {"folder": [str(tmp_path / "audio")], "files": files, "names": ["-"]}[way]
    out = tmp_path / "out"
    done = emonet(model, *given, *RULES, "--format", form, "-o", str(out), stdin="\n".join(files))
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    last = "inner/f" if way == "folder" else "f"
    expected = {f"{name}.{suffix}" for name in "edcba"} | {f"{last}.{suffix}"}
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == expected
    for file, name in zip(files, ["e", "d", "c", "b", "a", last], strict=True):
        alone = emonet(model, file, *RULES, "--format", form)
        assert (out / f"{name}.{suffix}").read_bytes().decode() == alone.stdout


def test_a_single_recording_goes_into_a_file_or_a_folder_that_is_there(model, files, tmp_path):
    alone = emonet(model, files[5], *RULES, "--format", "textgrid").stdout
    for output, place in (("one.TextGrid", "one.TextGrid"), ("there", "there/f.TextGrid")):
        (tmp_path / "there").mkdir(exist_ok=True)
        done = emonet(model, files[5], *RULES, "--format", "textgrid", "-o", str(tmp_path / output))
        assert done.exit_code == 0, done.output
        assert (tmp_path / place).read_text() == alone


def test_a_textgrid_ends_with_its_recording_whatever_a_gate_leaves_of_it(model, tmp_path):
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    for name, quiet in (("end", 8_000), ("all", 0)):
        soundfile.write(tmp_path / f"{name}.wav", np.where(np.arange(16_000) < quiet, noise, 0), 16_000)
    done = emonet(model, str(tmp_path), *RULES, "--gate", "-60", "--format", "textgrid", "-o", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    for name, intervals in (("end", None), ("all", 1)):
        text = (tmp_path / "out" / f"{name}.TextGrid").read_text()
        assert set(re.findall(r"^xmax = (.*)$", text, re.MULTILINE)) == {"1.000000"}
        assert re.findall(r"xmax = (.*)\n *text = (.*)", text)[-1] == ("1.000000", '""')
        assert intervals is None or f"intervals: size = {intervals}\n" in text


def test_two_of_one_name_are_refused_before_any_work(model, files, tmp_path, monkeypatch):
    monkeypatch.setattr(Predictor, "predict", lambda *_, **__: pytest.fail("scored"))
    (tmp_path / "other").mkdir()
    second = tmp_path / "other" / "a.flac"
    out = tmp_path / "out"
    done = emonet(model, files[4], str(second), *RULES, "--format", "webvtt", "-o", str(out))
    assert done.exit_code == 2
    assert (
        done.stderr == f"Error: --output: {files[4]} and {second} would both be a.vtt there; give one call for each\n"
    )
    assert not out.exists()


def test_what_cannot_be_read_costs_only_its_own_annotation(model, files, tmp_path):
    (tmp_path / "audio" / "bad.wav").write_text("no audio")
    done = emonet(model, str(tmp_path / "audio"), *RULES, "--format", "textgrid", "-o", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert len([*(tmp_path / "out").rglob("*.TextGrid")]) == len(files)


@pytest.mark.parametrize("name", ["..", "/", "."])
def test_what_is_no_name_is_one_line_and_no_name_leads_elsewhere(tmp_path, name):
    with pytest.raises(ConfigError, match=r"^--output: '[./]+' is no name of a file; name files$"):
        AnnotationFolder(tmp_path, "webvtt", ["-"]).path_of(name)
    assert AnnotationFolder(tmp_path, "webvtt", ["-"]).path_of("../../etc/talk.wav") == tmp_path / "talk.vtt"


def test_the_innermost_folder_that_was_named_says_where_a_recording_belongs(tmp_path):
    folder = AnnotationFolder(tmp_path, "webvtt", ["a", "a/b", "a/c.wav"])
    assert folder.path_of("a/b/x/y.wav") == tmp_path / "x" / "y.vtt"
    assert folder.path_of("a/c.wav") == tmp_path / "c.vtt"
    with pytest.raises(ConfigError, match=r"^--output: a/b/x/y\.wav and a/x/y\.flac would both be x/y\.vtt there"):
        folder.path_of("a/x/y.flac")


def test_a_single_file_holds_one_timeline(model, files):
    rows = list(csv.DictReader(io.StringIO(emonet(model, files[5], *RULES, "--format", "csv", "--timeline").stdout)))
    assert emonet(model, files[5], *RULES, "--format", "webvtt").stdout.count(" --> ") == len(rows)
