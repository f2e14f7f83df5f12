"""The order of work, failures and what is told, with cells that only pretend to train."""

import json
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from emonet_bench.config import Training
from emonet_bench.runs import Cell, RunSpec
from emonet_bench.schedule import Matrix
from emonet_bench.store import RunStore


def cell(name, source=None, skip=None):
    spec = RunSpec(
        corpus=name,
        protocol="p",
        architecture="a",
        architecture_options={},
        strategy="s",
        strategy_options={},
        training=Training(),
        seed=0,
    )
    return Cell(spec, (name * 16)[:16], source=(source * 16)[:16] if source else None, skip=skip)


class Ears:
    def __init__(self):
        self.heard = []

    def started(self, cell):
        self.heard.append(("started", cell.spec.corpus))

    def epoch(self, cell, row):
        self.heard.append(("epoch", cell.spec.corpus, row["epoch"]))

    def finished(self, cell, record):
        self.heard.append(("finished", cell.spec.corpus))

    def failed(self, cell, error):
        self.heard.append(("failed", cell.spec.corpus, error["type"]))

    def skipped(self, cell, reason):
        self.heard.append(("skipped", cell.spec.corpus, reason))


class Work:
    """Pretends to train: writes a record, or does what ``behave`` says of a corpus."""

    def __init__(self, tmp_path, behave=None):
        self.store, self.behave, self.order, self.ears = RunStore(tmp_path), behave or {}, [], Ears()

    def train(self, cell):
        self.order.append(cell.spec.corpus)
        behaviour = self.behave.get(cell.spec.corpus, {"scores": {}})
        if isinstance(behaviour, Exception):
            raise behaviour
        if isinstance(behaviour, str):
            return behaviour
        with self.store.writing(cell.spec, cell.run_id, again=True) as directory:
            (directory / "history.csv").write_text("epoch,dev_uar\n1,0.5\n2,0.6\n")
            (directory / "result.json").write_text(json.dumps(behaviour))
        return None

    def run(self, *cells, again=lambda _: False, executors=lambda: ThreadPoolExecutor(2), workers=2):
        Matrix(cells, self.store, executors, workers, lambda e, c: e.submit(self.train, c), again, self.ears).run()
        return self.ears.heard


def test_a_source_is_trained_before_the_cells_that_start_from_it(tmp_path):
    work = Work(tmp_path)
    work.run(cell("a"), cell("b", source="a"), cell("c", source="a"))
    assert work.order[0] == "a"
    assert sorted(work.order) == ["a", "b", "c"]


def test_what_is_on_disk_is_not_trained_again(tmp_path):
    Work(tmp_path).run(cell("a"))
    second = Work(tmp_path)
    assert second.run(cell("a"), cell("b", source="a"))[0] == ("finished", "a")
    assert second.order == ["b"]


def test_a_failed_cell_stays_failed_until_it_is_asked_for_again(tmp_path):
    failing = {"a": {"error": {"type": "Oops", "message": ""}}}
    Work(tmp_path, failing).run(cell("a"))
    second = Work(tmp_path)
    assert second.run(cell("a")) == [("failed", "a", "Oops")]
    third = Work(tmp_path)
    third.run(cell("a"), again=lambda record: "error" in record)
    assert third.ears.heard[-1] == ("finished", "a")


@pytest.mark.parametrize("failure", [{"error": {"type": "Oops", "message": ""}}, OSError("no space left on device")])
def test_a_failure_costs_only_its_own_dependents(tmp_path, failure):
    heard = Work(tmp_path, {"a": failure}).run(cell("a"), cell("b", source="a"), cell("c"))
    assert ("skipped", "b", "its source a a s s0 failed") in heard
    assert ("finished", "c") in heard
    assert [entry[1] for entry in heard if entry[0] == "failed"] == ["a"]


def test_skips_are_told_with_their_reason_and_cost_nothing(tmp_path):
    work = Work(tmp_path, {"b": "no adapter points"})
    heard = work.run(cell("a", skip="no source"), cell("b"))
    assert ("skipped", "a", "no source") in heard
    assert ("skipped", "b", "no adapter points") in heard
    assert work.order == ["b"]


def test_epochs_are_told_once_each_in_order(tmp_path):
    heard = Work(tmp_path).run(cell("a"))
    assert [entry for entry in heard if entry[0] == "epoch"] == [("epoch", "a", 1.0), ("epoch", "a", 2.0)]


class Dying(Executor):
    """Breaks at its first job, as a process pool does when a worker is killed."""

    def submit(self, *_):
        future = Future()
        future.set_exception(BrokenProcessPool())
        return future


def test_a_worker_that_dies_is_replaced_and_its_cell_tried_again(tmp_path):
    executors = iter([Dying(), ThreadPoolExecutor(1)])
    heard = Work(tmp_path).run(cell("a"), cell("b"), executors=lambda: next(executors))
    assert {entry[:2] for entry in heard if entry[0] == "finished"} == {("finished", "a"), ("finished", "b")}


def test_a_cell_that_kills_its_workers_fails_in_the_end(tmp_path):
    heard = Work(tmp_path).run(cell("a"), executors=Dying)
    assert heard[-1] == ("failed", "a", "WorkerDied")
