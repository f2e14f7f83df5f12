"""Tampering is found: in a score, in a prediction, in a file. A run trained again is compared."""

import json
import shutil

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.report.comparison import compare_records
from emonet_bench.report.verification import verify
from emonet_bench.runs.store import hashes
from tests.written import LABELS, Results, clips


def scored(truth, guess):
    """Score as scikit-learn does."""
    sklearn = pytest.importorskip("sklearn.metrics")
    each = sklearn.recall_score(truth, guess, labels=LABELS, average=None, zero_division=0)
    return {
        "uar": float(each.mean()),
        "accuracy": float(sklearn.accuracy_score(truth, guess)),
        "macro_f1": float(sklearn.f1_score(truth, guess, labels=LABELS, average="macro", zero_division=0)),
        "recall": {label: float(value) if label in truth else None for label, value in zip(LABELS, each, strict=True)},
    }


@pytest.fixture
def run(tmp_path):
    sklearn = pytest.importorskip("sklearn.metrics")
    rows = clips(right=0.7)
    truth, guess = [row[2] for row in rows], [row[3] for row in rows]
    path = Results(tmp_path / "results").add(
        rows=rows,
        scores={"dev": scored(["anger"], ["joy"]), "test": scored(truth, guess)},
        confusion={"test": sklearn.confusion_matrix(truth, guess, labels=LABELS).tolist()},
        partitions={"test": {"clips": 120}},
    )
    change(path, lambda record: record.update(files=hashes(path)))
    return path


def change(run, how):
    record = json.loads((run / "result.json").read_text())
    how(record)
    (run / "result.json").write_text(json.dumps(record))


def test_an_untouched_run_is_as_stated(run):
    assert verify(run).problems == []


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda r: r["scores"]["test"].update(uar=r["scores"]["test"]["uar"] + 1e-4), "uar on test of emo: stated "),
        (lambda r: r["scores"]["test"].update(accuracy=0.99), "accuracy on test of emo: stated 0.990000, but the "),
        (lambda r: r["scores"]["test"].update(macro_f1=0.99), "macro_f1 on test of emo: stated 0.990000"),
        (lambda r: r["scores"]["dev"]["recall"].update(anger=1.0), "recall on dev of emo: stated anger 1.0"),
        (lambda r: r["confusion"]["test"][0].reverse(), "confusion on test of emo: stated"),
        (lambda r: r["partitions"]["test"].update(clips=121), "clips on test of emo: stated 121, but the predictions give 120"),
        (lambda r: r["files"].update({"predictions.csv": "0" * 64}), "predictions.csv: not the file that the run wrote"),
        (lambda r: r["files"].update({"model.safetensors": "0" * 64}), "model.safetensors: missing"),
        (lambda r: r.pop("labels"), "result.json: KeyError('labels')"),
    ],
)  # fmt: skip
def test_a_tampered_record_is_found(run, how, message):
    change(run, how)
    (problem,) = verify(run).problems
    assert problem.startswith(message)


def test_a_tampered_prediction_is_found_even_where_the_scores_are_adapted(run):
    table = run / "predictions.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()]
    wrong = next(row for row in rows[2:] if row[3] != row[4])
    name, wrong[4] = wrong[0], wrong[3]
    table.write_text("\n".join(",".join(row) for row in rows))
    truth, guess = [row[3] for row in rows[2:]], [row[4] for row in rows[2:]]
    change(run, lambda record: record.pop("confusion") and record["scores"].update(test=scored(truth, guess)))
    problems = verify(run).problems
    assert problems[0].startswith("predictions.csv: not the file that the run wrote")
    assert problems[1] == f"predictions.csv: 1 test predictions are not the most probable label, first {name}"
    assert len(problems) == 2


def test_a_joint_run_is_checked_corpus_by_corpus_and_in_its_means(tmp_path):
    results = Results(tmp_path / "results")
    tables = {name: clips(right=right) for name, right in (("a", 0.9), ("b", 0.5))}
    scores = {name: scored([row[2] for row in rows], [row[3] for row in rows]) for name, rows in tables.items()}
    mean = {key: (scores["a"][key] + scores["b"][key]) / 2 for key in ("uar", "accuracy")}
    path = results.add(
        corpus="a+b",
        protocol="x+y",
        scores={"test": mean},
        corpora={name: {"labels": list(LABELS)} for name in "ab"},
        per_corpus={name: {"test": {"scores": scores[name], "confusion": None}} for name in "ab"},
    )
    change(path, lambda record: [record["per_corpus"][name]["test"].update(confusion=confusion(tables[name])) for name in "ab"])  # fmt: skip
    for name, rows in tables.items():
        results.predictions(path / f"predictions-{name}.csv", rows)
    assert verify(path).problems == []
    change(path, lambda record: record["scores"]["test"].update(uar=0.99))
    assert [problem.partition(":")[0] for problem in verify(path).problems] == ["uar on test"]
    change(path, lambda record: record["per_corpus"]["b"]["test"]["scores"].update(uar=0.99))
    assert [problem.partition(":")[0] for problem in verify(path).problems] == ["uar on test of b", "uar on test"]


def confusion(rows):
    return [[sum((row[2], row[3]) == (truth, guess) for row in rows) for guess in LABELS] for truth in LABELS]


def command(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="emonet-bench")


def test_the_command_names_what_is_wrong_and_exits_with_one(run):
    Results(run.parent).add(seed=7, error="boom", run_id="f" * 16)
    done = command("verify", run.parent)
    assert (done.exit_code, done.output) == (0, "1 of 1 runs are as stated; 1 failed runs have no scores.\n")
    change(run, lambda record: record["scores"]["test"].update(uar=0.99))
    done = command("verify", run)
    assert done.exit_code == 1
    assert done.output.startswith(f"{run.name}: uar on test of emo: stated 0.990000, but the predictions give 0.")
    assert done.output.endswith("0 of 1 runs are as stated.\n")


def test_nothing_to_verify_is_a_mistake(tmp_path):
    done = command("verify", tmp_path)
    assert done.exit_code == 2
    assert "no run to verify" in done.stderr


def test_a_repetition_is_compared_score_by_score():
    stated = {
        "scores": {"test": {"uar": 0.5, "recall": {}}},
        "files": {"predictions.csv": "a"},
        "environment": {"torch": "1"},
        "fingerprint": "x",
    }
    other = {
        **stated,
        "scores": {"test": {"uar": 0.4}},
        "files": {"predictions.csv": "b"},
        "environment": {"torch": "2"},
    }
    found = compare_records(stated, other)
    assert found.scores == {"test uar": (0.5, 0.4)}
    assert found.difference == pytest.approx(0.1)
    assert (found.identical, found.context) == (False, ("environment torch: 1, now 2",))
    assert compare_records({**stated, "files": None}, other).identical is None


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    results = tmp_path_factory.mktemp("trained") / "results"
    tiny = ["--corpora", "synthetic-acted", "--architectures", "chance", "--strategies", "scratch", "--limit", "10"]
    done = command("run", "matrix", "--results", results, *tiny, "--jobs", "1")
    assert done.exit_code == 0, done.output
    (run,) = [path for path in results.iterdir() if not path.name.startswith(".")]
    return run


def test_a_real_run_is_verified_with_its_hashes_and_reproduced_to_the_last_bit(trained, tmp_path):
    assert set(json.loads((trained / "result.json").read_text())["files"]) == {"predictions.csv", "model.safetensors"}
    assert command("verify", trained.parent).exit_code == 0
    again = command("reproduce", trained, "--results", tmp_path / "again")
    assert again.exit_code == 0, again.output
    assert again.output.endswith("Predictions and weights are identical to the last bit.\n")
    assert (tmp_path / "again" / trained.name / "result.json").is_file()


def test_a_run_that_stated_too_much_is_not_reproduced(trained, tmp_path):
    boasting = tmp_path / "results" / trained.name
    shutil.copytree(trained, boasting)
    change(boasting, lambda record: record["scores"]["test"].update(uar=0.9))
    done = command("reproduce", boasting, "--results", tmp_path / "again")
    assert done.exit_code == 1
    assert "test uar: 0.900000, now 0.200000  (differs)" in done.output


@pytest.mark.parametrize(
    ("how", "arguments", "message"),
    [
        (lambda record: record.pop("scores"), (), "this run failed, so there is nothing to compare with"),
        (lambda record: record["spec"].update(source="ab" * 8), (), "its source abababab does not lie beside it"),
        (lambda record: record["spec"].update(source="ab" * 8), ("--source", "{run}"), "not the source of"),
        (lambda record: record["spec"].update(corpus="nowhere"), (), "nowhere"),
        (lambda record: None, ("--results", "{run}/.."), "RUN itself lies there"),
    ],
)
def test_what_cannot_be_reproduced_is_said_in_one_line(trained, tmp_path, how, arguments, message):
    run = tmp_path / "results" / trained.name
    shutil.copytree(trained, run)
    change(run, how)
    said = ["--results", tmp_path / "again", *(text.format(run=run) for text in arguments)]
    done = command("reproduce", run, *said)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
