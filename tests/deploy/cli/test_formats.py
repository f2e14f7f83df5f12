"""Formats of ``predict``: each holds what the predictor says."""

import csv
import io
import json
import os
import sys

import numpy as np
import pytest

from emonet_bench.deploy import Predictor
from tests.deploy.cli.running import emonet
from tests.exported import LABELS, export_listener


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
    assert done.stderr == ("Error: --format parquet: needs the package pyarrow; pip install pyarrow, or take csv\n")


def test_it_abstains_when_it_is_asked_to(files, tmp_path):
    model = str(export_listener(tmp_path / "m.onnx", abstain_below="1.0"))
    done = emonet("predict", model, files[0], "--format", "jsonl", "--abstain")
    assert json.loads(done.stdout)["prediction"] == "uncertain"
    assert json.loads(emonet("predict", model, files[0], "--format", "jsonl").stdout)["prediction"] in LABELS
