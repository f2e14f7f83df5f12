"""Tampering is found: in a score, in a prediction, in a file."""

import json
import shutil

import pytest
from click.testing import CliRunner

from emonet_bench.cli import main
from emonet_bench.report.checking.verification import verify
from emonet_bench.runs.files import RunFiles
from tests.in_process import cells_in_this_process
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
    change(path, lambda record: record.update(files=RunFiles(path).hashes()))
    return path


def change(run, how):
    record = json.loads((run / "result.json").read_text())
    how(record)
    (run / "result.json").write_text(json.dumps(record))


def test_an_untouched_run_is_as_stated(run):
    assert verify(run).problems == []


def test_weights_may_be_left_out_of_published_results_and_nothing_else_may(run):
    (run / "model.safetensors").write_bytes(b"weights")
    change(run, lambda record: record.update(files=RunFiles(run).hashes()))
    (run / "model.safetensors").unlink()
    assert verify(run).problems == ["model.safetensors: missing"]
    assert verify(run, weights=False).problems == []
    (run / "predictions.csv").unlink()
    assert any("predictions.csv" in problem for problem in verify(run, weights=False).problems)


def test_weights_that_are_there_are_hashed_also_where_they_may_be_left_out(run):
    (run / "model.safetensors").write_bytes(b"weights")
    change(run, lambda record: record.update(files=RunFiles(run).hashes()))
    (run / "model.safetensors").write_bytes(b"others!")
    assert "not the file that the run wrote" in verify(run, weights=False).problems[0]


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
        (lambda r: r.pop("labels"), "result.json: not a run's record (labels of emo: none, or one twice)"),
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


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    results = tmp_path_factory.mktemp("trained") / "results"
    tiny = ["--corpora", "synthetic-acted", "--architectures", "chance", "--strategies", "scratch", "--limit", "10"]
    with cells_in_this_process():
        done = command("run", "matrix", "--results", results, *tiny)
    assert done.exit_code == 0, done.output
    (run,) = [path for path in results.iterdir() if not path.name.startswith(".")]
    return run


def test_a_real_run_is_as_stated_with_its_hashes(trained):
    assert set(json.loads((trained / "result.json").read_text())["files"]) == {"predictions.csv", "model.safetensors"}
    assert verify(trained).problems == []


def test_a_record_of_today_states_all_that_can_be_checked(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / trained.name)
    change(run, lambda record: [record.pop(name) for name in ("confusion", "files")])
    assert sorted(verify(run).problems) == [
        "confusion on dev of synthetic-acted: not stated",
        "confusion on test of synthetic-acted: not stated",
        "model.safetensors: the record states no hash of it",
        "predictions.csv: the record states no hash of it",
    ]
