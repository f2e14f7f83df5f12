"""The record of a run: strict, bounded, and described by the page on results."""

import copy
import json
import runpy
from pathlib import Path

import pytest
from pydantic import ValidationError

from emonet_bench.cli import main
from emonet_bench.errors import StoreError
from emonet_bench.report import load
from emonet_bench.report.checking.verification import verify
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.record import RunRecord, parse_record
from tests.exported import record

SCHEMA_1 = Path(__file__).parent / "schema_1"
SINGLE = SCHEMA_1 / "synthetic-acted-svm-scratch-s0-affcafdc"
JOINT = SCHEMA_1 / "synthetic-acted+synthetic-calls-cnn-multi-task-s0-551e6e06"
DOCS = Path(__file__).parents[2] / "docs"


def parsed(value):
    return parse_record(json.dumps(value).encode(), "result.json")


def test_the_page_on_results_is_what_the_types_say():
    page = runpy.run_path(str(DOCS / "records.py"))["results_page"]()
    assert (DOCS / "results.md").read_text() == page, "run python docs/records.py"
    assert all(field.description for field in RunRecord.model_fields.values())


def test_what_was_written_is_read_back():
    told = record(files={"predictions.csv": "a" * 64})
    assert parse_record(told.text().encode(), "") == told
    assert parse_record(told.text().encode(), "").text() == told.text()


@pytest.mark.parametrize("run", [SINGLE, JOINT])
def test_records_of_schema_1_are_read_whole(run):
    raw = json.loads((run / "result.json").read_text())
    told = RunFiles(run).read_record()
    assert told.plain() == raw
    assert told.test.uar == raw["scores"]["test"]["uar"]
    assert told.joint == ("+" in raw["spec"]["corpus"])


def test_a_run_of_schema_1_is_reported_and_verified():
    (result,) = load(SINGLE)
    assert result.scores["uar"] == 0.8
    assert verify(SINGLE).problems == []
    assert verify(JOINT).problems == [
        f"{name}.safetensors: missing" for name in ("model-synthetic-acted", "model-synthetic-calls", "model", "shared")
    ]
    assert [(one.corpus, one.scores["uar"]) for one in load(JOINT)] == [
        (corpus, told[0].uar)
        for corpus in ("synthetic-acted", "synthetic-calls")
        for told in [RunFiles(JOINT).read_record().scored(corpus)["test"]]
    ]


def test_keys_that_an_older_version_wrote_are_left_out_and_a_newer_one_is_named():
    raw = json.loads((SINGLE / "result.json").read_text())
    assert parsed({**raw, "forgotten": 1}) == parsed(raw)
    with pytest.raises(StoreError, match="forgotten: extra inputs"):
        parsed({**record().plain(), "forgotten": 1})
    with pytest.raises(StoreError, match=r"written by a newer emonet-bench .schema 99.; upgrade"):
        parsed({**raw, "schema_version": 99})


def changed(path, value):
    raw = copy.deepcopy(json.loads((SINGLE / "result.json").read_text()))
    *places, last = path.split(".")
    inner = raw
    for place in places:
        inner = inner[place]
    inner[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("run_id", "/../.ssh"),
        ("run_id", "AFFCAFDC40E753AE"),
        ("run_id", 7),
        ("spec.corpus", "../mine/emodb"),
        ("spec.corpus", "/etc"),
        ("spec.corpus", "a+"),
        ("spec.corpus", "a+b"),
        ("spec.architecture", "a/b"),
        ("spec.strategy", "x\ny"),
        ("spec.source", "../x"),
        ("spec.source", "*"),
        ("spec.seed", "0"),
        ("spec.seed", True),
        ("spec.seed", 10**30),
        ("spec.seed", 10**4000),
        ("spec.training.epochs", 10**4000),
        ("spec.training.unknown", 1),
        ("spec.architecture_options.x", 10**300),
        ("spec.evaluate", {"corpus": "../up", "protocol": "p", "labels": {}}),
        ("scores.test.uar", "0.8"),
        ("scores.test.uar", None),
        ("scores.test.uar", True),
        ("scores.test.uar", float("nan")),
        ("scores.test.uar", float("inf")),
        ("scores.test.uar", 1.5),
        ("scores.test.recall", {"anger": 1.0}),
        ("scores.test", []),
        ("scores", {}),
        ("scores", None),
        ("scores.nowhere", {"uar": 1.0}),
        ("confusion.test", [[1]]),
        ("confusion.test", [[-1] * 5] * 5),
        ("confusion.test", [[1.5] * 5] * 5),
        ("labels", ["a", "a"]),
        ("labels", ["x" * 10_000]),
        ("labels", [f"{i}" for i in range(2_000)]),
        ("labels", "anger"),
        ("files", {"../predictions.csv": "a" * 64}),
        ("files", {"predictions.csv": "no hash"}),
        ("seconds", {"train": -1}),
        ("seconds", 3),
        ("notes", {"halved_batch": 1}),
        ("plugins", {"cnn": None}),
        ("audit", "fine"),
        ("error", {"type": "E", "message": "both"}),
        ("corpora", {}),
        ("onnx", {"file": "../model.onnx"}),
        ("onnx", {"synthetic-acted": {"file": "model.onnx"}}),
        ("best_epoch", -1),
        ("peak_memory_mb", 0.5),
        ("finished", "x" * 100_000),
        ("schema_version", "1"),
        ("schema_version", 0),
    ],
)
def test_what_a_stranger_may_have_written_is_one_line(path, value):
    with pytest.raises(StoreError, match=r"^result\.json: ") as caught:
        parsed(changed(path, value))
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 600


def test_a_whole_number_is_a_score_as_well():
    assert parsed(changed("scores.test.uar", 1)).test.uar == 1.0


def test_what_is_written_is_held_to_it_too():
    with pytest.raises(ValidationError):
        record(forgotten=1)
    with pytest.raises(ValidationError):
        record(scores={"test": {"uar": float("nan")}})


def test_show_describes_a_run_of_schema_1(capsys):
    with pytest.raises(SystemExit) as done:
        main(["show", str(SINGLE)])
    assert done.value.code == 0
    assert "affcafdc40e753ae" in capsys.readouterr().out
