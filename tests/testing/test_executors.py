"""The kit for executors: threads and processes keep the contracts, and planted faults are found."""

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from emonet_bench.testing import executors
from emonet_bench.testing.contracts import PAGE
from emonet_bench.testing.executors import check_executor
from tests.testing.faults import broken


def test_threads_keep_the_contracts_of_an_executor():
    check_executor(ThreadPoolExecutor)


@pytest.mark.slow
def test_the_built_in_executor_keeps_its_contracts():
    check_executor("processes")


class Threads(ThreadPoolExecutor):
    """Keeps all contracts; those below break one each."""


class ReturnsNoFuture(Threads):
    def submit(self, *arguments, **options):
        super().submit(*arguments, **options)
        return arguments


class LosesKeywords(Threads):
    def submit(self, function, *arguments, **options):
        return super().submit(function, *arguments)


class ChangesErrors(Threads):
    def submit(self, function, *arguments, **options):
        def run():
            try:
                return function(*arguments, **options)
            except LookupError as error:
                raise ValueError(str(error)) from None

        return super().submit(run)


class RunsElsewhere(Threads):
    def submit(self, function, *arguments, **options):
        moved = (lambda: ("/elsewhere", {})) if function.__name__ == "_surroundings" else function
        return super().submit(moved, *arguments, **options)


class WaitsInShutdown(Threads):
    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=True, cancel_futures=cancel_futures)


class CancelsNothing(Threads):
    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=wait)


class NeverCloses(Executor):
    def __init__(self, workers):
        self.threads = ThreadPoolExecutor(workers)
        self.lock = threading.Lock()

    def submit(self, *arguments, **options):
        try:
            return self.threads.submit(*arguments, **options)
        except RuntimeError:
            future = Future()
            future.set_result(None)
            return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.threads.shutdown(wait, cancel_futures=cancel_futures)


class LeavesEarly(Threads):
    def submit(self, function, *arguments, **options):
        if function is abs and arguments == (-3,):
            return super().submit(executors.time.sleep, 0.2)
        return super().submit(function, *arguments, **options)

    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait=False, cancel_futures=cancel_futures)


class Hangs(Executor):
    """Takes everything and does nothing."""

    def __init__(self, workers):
        pass

    def submit(self, *arguments, **options):
        return Future()

    def shutdown(self, wait=True, *, cancel_futures=False):
        if wait:
            threading.Event().wait()


class HangsInShutdown(Threads):
    def shutdown(self, wait=True, *, cancel_futures=False):
        super().shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            threading.Event().wait()


class HangsInSubmit(Threads):
    def submit(self, *arguments, **options):
        threading.Event().wait()


EXECUTOR_FAULTS = {
    Hangs: ("results-return", "nothing came back within 1 seconds"),
    HangsInShutdown: ("results-return", "not finished after 2 seconds; not waited for"),
    HangsInSubmit: ("results-return", "not finished after 2 seconds; not waited for"),
    ReturnsNoFuture: ("results-return", "submit gave tuple"),
    LosesKeywords: ("results-return", "int('11', base=2) gave 11"),
    ChangesErrors: ("errors-return", "came back as ValueError"),
    RunsElsewhere: ("surroundings-kept", "the working directory was /elsewhere"),
    WaitsInShutdown: ("waiting-cancelled", "waited for what was running"),
    CancelsNothing: ("waiting-cancelled", "the last ran that still waited"),
    NeverCloses: ("closed-after-shutdown", "raised no RuntimeError"),
    LeavesEarly: ("closed-after-shutdown", "before what was submitted had finished"),
}


@pytest.mark.parametrize("fault", EXECUTOR_FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_in_an_executor_is_found_and_explained(fault, monkeypatch):
    monkeypatch.setattr(executors, "PATIENCE", 1.0)
    section, seen = EXECUTOR_FAULTS[fault]
    message = broken(check_executor, fault)
    assert f"written:  {PAGE}#executor-{section}" in message
    assert seen in message
