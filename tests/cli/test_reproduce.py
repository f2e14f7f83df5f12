"""``emonet-bench reproduce``: a run trained again is compared with what it states, and replaces nothing."""

from __future__ import annotations

import shutil

import pytest

from tests.in_process import cells_in_this_process
from tests.report.checking.test_verification import change, command


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a network that learns nothing: quick, and the same each time."""
    results = tmp_path_factory.mktemp("trained") / "results"
    tiny = ["--corpora", "synthetic-acted", "--architectures", "chance", "--strategies", "scratch", "--limit", "10"]
    with cells_in_this_process():
        done = command("run", "matrix", "--results", results, *tiny)
    assert done.exit_code == 0, done.output
    (run,) = [path for path in results.iterdir() if not path.name.startswith(".")]
    return run


def test_a_run_is_reproduced_to_the_last_bit(trained, tmp_path):
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
        (
            lambda record: record.update(error={"type": "E", "message": ""}, scores=None),
            (),
            "this run failed, so there is nothing to compare with",
        ),
        (lambda record: record["scores"]["test"].update(uar="0.5"), (), "not a run's record (scores.test.uar: "),
        (lambda record: record["scores"]["test"].pop("uar"), (), "not a run's record (scores on test of"),
        (lambda record: record["scores"]["test"].update(uar=float("nan")), (), "result.json: damaged"),
        (lambda record: record["spec"].update(corpus="../mine/emodb"), (), "corpus name '../mine/emodb'"),
        (lambda record: record["spec"].update(corpus="/tmp/emodb"), (), "corpus name '/tmp/emodb'"),
        (lambda record: record["spec"].update(seed="/../x"), (), "spec.seed: "),
        (lambda record: record.update(run_id="/../.ssh"), (), "run_id: "),
        (lambda record: record["spec"].update(source="ab" * 8), (), "its source abababab does not lie beside it"),
        (lambda record: record["spec"].update(source="ab" * 8), ("--source", "{run}"), "not the source of"),
        (lambda record: record["spec"].update(corpus="nowhere"), (), "nowhere"),
        (lambda record: None, ("--results", "{run}/.."), "RUN itself lies there"),
        (lambda record: None, ("--source", "{run}"), "started from no other run; leave it out"),
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
    assert {path.name for path in tmp_path.iterdir()} <= {"results", "again"}, "nothing is written elsewhere"


@pytest.mark.parametrize(
    ("how", "told", "status"),
    [
        (lambda record: record["scores"]["test"].update(uar=1), "test uar: 1.000000, now 0.200000  (differs)", 1),
        (lambda record: record["scores"]["test"]["recall"].update(anger=0.123), "test recall of anger: 0.123000, now ", 1),
        (lambda record: record["confusion"]["test"][0].reverse(), "  (differs)", 1),
        (lambda record: record["scores"]["test"].pop("recall"), "Not all that is stated by one of the two", 1),
        (lambda record: record.pop("confusion"), "Not all that is stated by one of the two", 1),
        (lambda record: record["scores"].pop("dev"), "Not all that is stated by one of the two", 1),
        (lambda record: record.update(fingerprint="0" * 16), "differs: fingerprint: 0000000000000000, now ", 0),
        (lambda record: record["files"].pop("predictions.csv"), "RUN itself: predictions.csv: the record states no", 0),
    ],
)  # fmt: skip
def test_what_a_run_states_otherwise_is_never_identical(trained, tmp_path, how, told, status):
    run = shutil.copytree(trained, tmp_path / "results" / trained.name)
    change(run, how)
    done = command("reproduce", run, "--results", tmp_path / "again")
    assert told in done.output
    assert done.exit_code == status
    assert ("identical to the last bit" in done.output) == ("fingerprint" in told)


def test_a_run_without_its_predictions_is_never_identical(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "results" / trained.name)
    (run / "predictions.csv").unlink()
    done = command("reproduce", run, "--results", tmp_path / "again")
    assert "RUN itself: predictions.csv: missing" in done.output
    assert done.output.endswith("All scores are the same.\n")


def test_a_strangers_run_replaces_none_of_the_users(trained, tmp_path):
    mine, theirs = (shutil.copytree(trained, tmp_path / name / trained.name) for name in ("mine", "theirs"))
    before = (mine / "result.json").read_bytes()
    done = command("reproduce", theirs, "--results", tmp_path / "mine")
    assert done.exit_code == 2
    assert "lies there already; delete it, or give another directory with --results" in done.stderr
    assert (mine / "result.json").read_bytes() == before


@pytest.mark.parametrize("tolerance", ["nan", "inf", "-1", "2", "x"])
def test_a_tolerance_that_is_none_is_refused(trained, tolerance):
    done = command("reproduce", trained, "--tolerance", tolerance)
    assert done.exit_code == 2
    assert "--tolerance" in done.stderr


def test_a_difference_within_the_tolerance_is_reproduced(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "results" / trained.name)
    change(run, lambda record: record["scores"]["test"].update(uar=0.25))
    done = command("reproduce", run, "--results", tmp_path / "again", "--tolerance", "0.06")
    assert "The scores differ by 0.050000 at most.\n" in done.output
    assert done.exit_code == 0
