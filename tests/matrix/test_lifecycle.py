"""Lifecycle hooks: which are called when, with the arguments that their specifications have."""

import inspect
from types import SimpleNamespace

import pytest

from emonet_bench import hookspecs
from emonet_bench.matrix.lifecycle import LifecycleHooks
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.history import Epoch
from emonet_bench.runs.store import RunStore
from tests.matrix.test_scheduler import cell
from tests.written import finished

CELL = cell("a")


@pytest.fixture
def called():
    return []


@pytest.fixture
def hooks(called, tmp_path):
    def notify(hook, **arguments):
        inspect.signature(getattr(hookspecs, hook)).bind(**arguments)  # raises where one lacks or is too many
        called.append((hook, arguments))

    listener = LifecycleHooks()
    listener.planned(SimpleNamespace(plugins=SimpleNamespace(notify=notify)), (), tmp_path)
    return listener


def test_a_run_is_followed_from_its_start_to_its_end(hooks, called, tmp_path):
    record = finished(CELL)
    hooks.started(CELL)
    hooks.epoch(CELL, Epoch(1, 0.5, 0.25, 0.01, 2.0))
    hooks.finished(CELL, record)
    assert [hook for hook, _ in called] == ["emonet_run_started", "emonet_epoch_finished", "emonet_run_finished"]
    for _, arguments in called:
        assert arguments["spec"] == CELL.spec
        assert arguments["directory"] == RunStore(tmp_path).path(CELL.spec, CELL.run_id)
    epoch = called[1][1]
    assert epoch["epoch"] == 1
    assert (epoch["scores"]["loss"], epoch["scores"]["dev_uar"]) == (0.5, 0.25)
    result = called[2][1]["result"]
    assert (result.run_id, result.spec, result.error) == (CELL.run_id, CELL.spec, None)
    assert result.record["scores"]["test"]["uar"] == record.test.uar


def test_a_plugin_that_failed_to_extend_a_record_is_told_of_once_the_run_is_there(hooks, called):
    told = []
    hooks._plugins.complain = told.append
    hooks.started(CELL)
    hooks.finished(CELL, finished(CELL, notes={"teacher": "large", "emonet_extend_record of mine": "raised Oops()"}))
    assert told == ["plugin mine: emonet_extend_record raised Oops()"]
    assert called[-1][0] == "emonet_run_finished"


def test_a_failure_is_passed_on(hooks, called):
    error = RunError(type="Oops", message="on fire")
    hooks.started(CELL)
    hooks.failed(CELL, error)
    assert called[-1][0] == "emonet_run_failed"
    assert called[-1][1]["error"] is error


def test_a_cell_that_its_worker_skips_has_an_end_too(hooks, called):
    hooks.skipped(CELL, "never started")
    assert called == []
    hooks.started(CELL)
    hooks.skipped(CELL, "too few speakers")
    assert called[-1][0] == "emonet_run_failed"
    assert (called[-1][1]["error"].type, called[-1][1]["error"].message) == ("Skipped", "too few speakers")


def test_what_was_on_disk_before_is_no_news_for_plugins(hooks, called):
    hooks.started(cell("other"))
    called.clear()
    hooks.finished(CELL, finished(CELL))
    hooks.failed(CELL, RunError(type="Oops", message=""))
    assert called == []


def test_a_second_matrix_begins_anew(hooks, called, tmp_path):
    hooks.started(CELL)
    called.clear()
    hooks.planned(SimpleNamespace(plugins=SimpleNamespace(notify=pytest.fail)), (), tmp_path)
    hooks.finished(CELL, finished(CELL))
    assert called == []
