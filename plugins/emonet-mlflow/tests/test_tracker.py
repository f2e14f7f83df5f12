"""The tracker against a real server: runs that are told of twice, lost servers, files that are no run's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from emonet_mlflow import tracker as module
from emonet_mlflow.sending import send
from emonet_mlflow.server import NoAnswerError, Server
from emonet_mlflow.tracker import Tracker
from emonet_mlflow.values import final_metrics, parameters

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.testing.hooks import SPEC

RECORD = {
    "schema_version": 2,
    "run_id": "0123456789abcdef",
    "spec": SPEC.model_dump(mode="json"),
    "labels": ["calm", "tense / upset"],
    "scores": {"test": {"uar": 0.5, "accuracy": 0.25, "recall": {"calm": None, "tense / upset": 1.0}}},
    "best_epoch": 2,
    "started": "2026-01-01T00:00:00Z",
    "finished": "2026-01-01T00:01:00Z",
}


@pytest.fixture
def directory(tmp_path):
    """A run that has finished, with three epochs."""
    made = tmp_path / "results" / "kit-kit-kit-s0-01234567"
    made.mkdir(parents=True)
    (made / "result.json").write_text(json.dumps(RECORD))
    writer = RunFiles(made).history_writer()
    for epoch in (1, 2, 3):
        writer.write(Epoch(epoch, 1 / epoch, 0.25 * epoch, 1e-3, 2.0))
    return made


def scores(epoch):
    return {"epoch": epoch, "loss": 1 / epoch, "dev_uar": 0.25 * epoch, "learning_rate": 1e-3}


def steps(logged, run):
    return sorted(metric.step for metric in logged.client.get_metric_history(run.info.run_id, "loss"))


def test_the_hooks_keep_their_contracts_with_a_server_and_without(tracking, check_hooks, monkeypatch):
    check_hooks("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    check_hooks("mlflow")


def test_a_cell_whose_worker_has_died_stays_one_run_with_each_epoch_once(tracking, logged, directory):
    tracker = Tracker(tracking)
    for last in (2, 3):
        tracker.started(SPEC, directory)
        for epoch in range(1, last + 1):
            tracker.epoch(epoch, scores(epoch), directory)
    tracker.finished(SPEC, RECORD, directory)
    (run,) = logged()
    assert steps(logged, run) == [1, 2, 3]
    assert run.data.metrics["test/uar"] == 0.5


def test_a_process_that_was_killed_leaves_a_run_in_which_the_next_goes_on(tracking, logged, directory):
    killed, after = Tracker(tracking), Tracker(tracking)
    killed.started(SPEC, directory)
    killed.epoch(1, scores(1), directory)
    after.started(SPEC, directory)
    for epoch in (1, 2):
        after.epoch(epoch, scores(epoch), directory)
    after.finished(SPEC, RECORD, directory)
    (run,) = logged()
    assert run.info.status == "FINISHED"
    assert steps(logged, run) == [1, 2, 3]


def test_the_same_run_elsewhere_and_once_more_is_another_one(tracking, logged, directory):
    elsewhere = directory.parent.parent / "others" / directory.name
    Tracker(tracking).started(SPEC, directory)
    Tracker(tracking).started(SPEC, elsewhere)
    assert len(logged()) == 2
    for _ in range(2):
        again = Tracker(tracking)
        again.started(SPEC, directory)
        again.finished(SPEC, RECORD, directory)
    assert sorted(run.info.status for run in logged()) == ["FINISHED", "FINISHED", "RUNNING"]


def test_a_worker_that_died_leaves_the_record_of_an_earlier_run_alone(tracking, logged, directory):
    tracker = Tracker(tracking)
    tracker.started(SPEC, directory)
    tracker.failed(SPEC, RunError(type="WorkerDied", message="its worker process died 2 times"), directory)
    (run,) = logged()
    assert run.info.status == "FAILED"
    assert run.data.tags["emonet.error"] == "WorkerDied: its worker process died 2 times"
    assert "test/uar" not in run.data.metrics


def test_a_server_that_is_lost_and_comes_back_has_everything(gate, tracking, logged, directory, monkeypatch):
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    tracker = Tracker(gate.address)
    tracker.started(SPEC, directory)
    tracker.epoch(1, scores(1), directory)
    gate.shut()
    with pytest.raises(NoAnswerError, match="no answer"):
        tracker.epoch(2, scores(2), directory)
    tracker.epoch(3, scores(3), directory)  # said once
    tracker.finished(SPEC, RECORD, directory)
    other = directory.with_name("kit-kit-kit-s1-89abcdef")
    gate.open()
    tracker.started(SPEC, other)
    assert {run.info.status for run in logged()} == {"RUNNING"}
    tracker._leave()
    runs = {run.info.run_name: run for run in logged()}
    assert runs[directory.name].info.status == "FINISHED"
    assert runs[directory.name].data.metrics["test/uar"] == 0.5
    assert steps(logged, runs[directory.name]) == [1, 2, 3]
    assert runs[other.name].info.status == "KILLED"


def test_a_server_that_was_lost_is_left_alone_for_a_while(directory, monkeypatch):
    tracker, tried = Tracker("http://127.0.0.1:9"), []
    monkeypatch.setattr(tracker, "_run", lambda *_: tried.append(1) or Server("http://127.0.0.1:9").experiment)
    with pytest.raises(NoAnswerError):
        tracker.started(SPEC, directory)
    for _ in range(5):
        tracker.started(SPEC, directory)
    assert tried == [1]


def test_what_the_server_refuses_is_said_without_a_password(address, directory, monkeypatch):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "x" * 600)
    place = address.replace("http://", "http://me:secret@")
    with pytest.raises(ConfigError, match=r"^MLFLOW_TRACKING_URI http://127.0.0.1:\d+: .*") as refused:
        Tracker(place).started(SPEC, directory)
    assert not isinstance(refused.value, NoAnswerError)
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 300


def test_an_experiment_that_was_deleted_is_named(tracking, logged, directory, request):
    Tracker(tracking).started(SPEC, directory)
    found = logged.client.get_experiment_by_name(request.node.name)
    logged.client.delete_experiment(found.experiment_id)
    with pytest.raises(ConfigError, match=f"MLFLOW_EXPERIMENT_NAME {request.node.name}: deleted on the server"):
        Tracker(tracking).started(SPEC, directory)


def test_two_that_create_the_experiment_at_once_have_the_same(tracking):
    first, second = Server(tracking), Server(tracking)
    known, answers = second.client.get_experiment_by_name, [None]
    second.client.get_experiment_by_name = lambda name: answers.pop() if answers else known(name)
    assert first.experiment == second.experiment


def test_weights_are_sent_where_they_are_asked_for_and_what_a_link_leads_to_never_is(
    tracking, logged, directory, monkeypatch, tmp_path
):
    (tmp_path / "key").write_text("secret")
    (directory / "log.txt").symlink_to(tmp_path / "key")
    (directory / "model.safetensors").write_bytes(b"weights")
    assert send(directory.parent, tracking) == (1, 0)
    (run,) = logged()
    files = {file.path for file in logged.client.list_artifacts(run.info.run_id)}
    assert files == {"result.json", "history.csv"}
    monkeypatch.setenv("EMONET_MLFLOW_WEIGHTS", "1")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "with-weights")
    assert send(directory, tracking) == (1, 0)
    (run,) = logged("with-weights")
    assert "model.safetensors" in {file.path for file in logged.client.list_artifacts(run.info.run_id)}


def test_what_cannot_be_sent_is_one_line(tmp_path, directory, address):
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI: not set"):
        send(directory, "")
    with pytest.raises(StoreError, match="no run lies there"):
        send(tmp_path / "nowhere", address)
    (directory / "result.json").write_text("{")
    with pytest.raises(StoreError, match=r"result\.json: damaged"):
        send(directory, address)


def test_options_have_the_names_of_a_matrix_file_and_labels_become_names_that_mlflow_takes():
    spec = SPEC.model_copy(
        update={"architecture": "cnn", "architecture_options": {"layers": [1, 2], "head": {"dim": 3}}}
    )
    told = parameters(spec)
    assert told["cnn.layers"] == "[1, 2]"
    assert told["cnn.head.dim"] == "3"
    assert told["training.batch_size"] == str(SPEC.training.batch_size)
    assert "fold" not in told
    assert final_metrics(RECORD) == {
        "best_epoch": 2.0, "test/uar": 0.5, "test/accuracy": 0.25, "test/recall/tense _ upset": 1.0
    }  # fmt: skip
    joint = {
        "scores": {"test": {"uar": 0.5}},
        "per_corpus": {"a": {"test": {"scores": {"metrics": {"ccc:arousal": 0.1}}}}},
    }
    assert final_metrics(joint) == {"test/uar": 0.5, "a/test/ccc:arousal": 0.1}


def test_without_a_server_mlflow_is_not_imported(monkeypatch):
    code = (
        "import sys; from emonet_bench.plugins.loading import Plugins, Selection; "
        "Plugins(Selection(names=('mlflow',))).notify('emonet_run_started', spec=None, directory=None); "
        "print('mlflow' in sys.modules)"
    )
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
