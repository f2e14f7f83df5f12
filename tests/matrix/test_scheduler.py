"""The order of work, failures and what is told, with cells that only pretend to train."""

import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from types import MappingProxyType

import pytest

from emonet_bench.matrix.scheduler import Scheduler
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.runs.store import RunStore
from tests.written import finished
from tests.written import planned_cell as cell


def write(directory, cell, **changes):
    RunFiles(directory).write_record(finished(cell, **changes))


def epochs(directory, *uars):
    writer = RunFiles(directory).history_writer()
    for number, uar in enumerate(uars, 1):
        writer.write(Epoch(number, 1.0, uar, 0.01, 1.0))


class Recorder:
    def __init__(self):
        self.heard = []

    def started(self, cell):
        self.heard.append(("started", cell.spec.corpus))

    def epoch(self, cell, epoch):
        self.heard.append(("epoch", cell.spec.corpus, epoch.epoch))

    def elsewhere(self, cell):
        self.heard.append(("elsewhere", cell.spec.corpus))

    def finished(self, cell, record):
        self.heard.append(("finished", cell.spec.corpus))

    def failed(self, cell, error):
        self.heard.append(("failed", cell.spec.corpus, error.type))

    def skipped(self, cell, reason):
        self.heard.append(("skipped", cell.spec.corpus, reason))


class Work:
    """Pretends to train: writes a record, or does what ``behave`` says of a corpus."""

    def __init__(self, tmp_path, behave=None):
        self.store, self.behave, self.order, self.ears = RunStore(tmp_path), behave or {}, [], Recorder()

    def train(self, cell):
        self.order.append(cell.spec.corpus)
        behaviour = self.behave.get(cell.spec.corpus, {})
        if isinstance(behaviour, Exception):
            raise behaviour
        if isinstance(behaviour, str):
            return behaviour
        with self.store.writing(cell.spec, cell.run_id, again=True) as directory:
            epochs(directory, 0.5, 0.6)
            write(directory, cell, **behaviour)
        return None

    def run(
        self,
        *cells,
        again=lambda _: False,
        executors=lambda: ThreadPoolExecutor(2),
        workers=2,
        costs=MappingProxyType({}),
    ):
        Scheduler(
            cells,
            self.store,
            executors,
            lambda _: workers,
            lambda executor, cell, _: executor.submit(self.train, cell),
            again,
            self.ears,
            lambda cell: costs.get(cell.spec.corpus, 0.0),
        ).run()
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
    third.run(cell("a"), again=lambda record: record is not None and record.failed)
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
    """Breaks at its first job and takes no other, as a process pool does when a worker is killed."""

    used = False

    def submit(self, *_):
        if self.used:
            raise BrokenProcessPool
        self.used = True
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


def test_epochs_of_a_cell_whose_worker_has_died_are_told_again(tmp_path):
    work = Work(tmp_path)
    with work.store.writing(cell("a").spec, cell("a").run_id) as directory:
        epochs(directory, 0.5)
        write(directory, cell("a"))
        place = work.store.path(cell("a").spec, cell("a").run_id)

    class First(Dying):
        def submit(self, *arguments):
            if place.is_dir():
                place.rename(directory)  # what a killed worker has left
                (directory / "result.json").unlink()
            return super().submit(*arguments)

    executors = iter([First(), ThreadPoolExecutor(1)])
    heard = work.run(cell("a"), executors=lambda: next(executors), again=lambda _: True)
    assert [entry[2] for entry in heard if entry[0] == "epoch"][-2:] == [1, 2]


def test_a_source_is_not_trained_for_nothing(tmp_path):
    idle = replace(cell("a"), wanted=False)
    work = Work(tmp_path)
    heard = work.run(
        idle, cell("b", source="a", skip="not here"), replace(cell("c"), wanted=False), cell("d", source="c")
    )
    assert work.order == ["c", "d"]
    assert ("skipped", "a", "no cell that is left to run starts from it") in heard


def test_the_longest_cells_come_first_and_a_source_counts_with_what_waits_for_it(tmp_path):
    work = Work(tmp_path)
    costs = {"short": 1, "source": 1, "long": 5, "dependent": 10}
    cells = [cell("short"), cell("long"), cell("source"), cell("dependent", source="source")]
    work.run(*cells, workers=1, costs=costs)
    assert work.order == ["source", "dependent", "long", "short"]


def test_two_matrices_on_one_directory_divide_the_work(tmp_path):
    cells = [cell(name) for name in "abcdefgh"]
    first, second = Work(tmp_path), Work(tmp_path)
    train = RunStore.writing

    def run(work):
        def slow(cell):
            with train(work.store, cell.spec, cell.run_id) as directory:
                if directory is not None:
                    work.order.append(cell.spec.corpus)
                    time.sleep(0.02)
                    write(directory, cell)

        work.train = slow
        return work.run(*cells, workers=1)

    with ThreadPoolExecutor(2) as pool:
        heard = list(pool.map(run, [first, second]))
    assert sorted(first.order + second.order) == list("abcdefgh")
    assert first.order
    assert second.order
    for ears in heard:
        assert sorted(entry[1] for entry in ears if entry[0] == "finished") == list("abcdefgh")


def test_a_cell_that_another_process_has_is_left_for_later_and_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr("emonet_bench.matrix.scheduler._ELSEWHERE_SECONDS", 0.01)
    work, taken = Work(tmp_path), cell("a")
    other = work.store.writing(taken.spec, taken.run_id)
    directory = other.__enter__()

    def finish():
        write(directory, taken)
        other.__exit__(None, None, None)

    work.ears.finished = lambda cell, _: (
        work.ears.heard.append(("finished", cell.spec.corpus)),
        cell.spec.corpus == "b" and finish(),
    )
    heard = work.run(taken, cell("b"), cell("c", source="a"))
    assert work.order == ["b", "c"]
    assert [entry for entry in heard if entry[0] in ("elsewhere", "finished")] == [
        ("elsewhere", "a"),
        ("finished", "b"),
        ("finished", "a"),
        ("finished", "c"),
    ]


def test_a_cell_that_another_process_gives_up_is_run_here(tmp_path, monkeypatch):
    monkeypatch.setattr("emonet_bench.matrix.scheduler._ELSEWHERE_SECONDS", 0.01)
    work, taken = Work(tmp_path), cell("a")
    other = work.store.writing(taken.spec, taken.run_id)
    directory = other.__enter__()
    work.ears.elsewhere = lambda _: (work.store.discard(directory), other.__exit__(None, None, None))
    assert work.run(taken)[-1] == ("finished", "a")
    assert work.order == ["a"]


def test_a_record_that_cannot_be_read_fails_its_cell_and_the_others_go_on(tmp_path):
    Work(tmp_path).run(cell("a"))
    record = RunStore(tmp_path).path(cell("a").spec, cell("a").run_id) / "result.json"
    record.write_text("{")
    heard = Work(tmp_path).run(cell("a"), cell("b", source="a"), cell("c"))
    assert ("failed", "a", "StoreError") in heard
    assert ("skipped", "b", "its source a a s s0 failed") in heard
    assert ("finished", "c") in heard
    assert Work(tmp_path).run(cell("a"), again=lambda record: record is None)[-1] == ("finished", "a")


def test_a_damaged_history_stops_nothing(tmp_path):
    work = Work(tmp_path)
    with work.store.writing(cell("a").spec, cell("a").run_id) as directory:
        (directory / "history.csv").write_text("epoch,loss,dev_uar,learning_rate,seconds\n1,nan,0.5,0.1,1\n")
        write(directory, cell("a"))
    assert work.run(cell("a")) == [("finished", "a")]
