"""Cells carried out by the test's own process, for tests of what cells leave: each worker process would import torch again."""

from concurrent.futures import Executor, Future
from contextlib import contextmanager

import pytest
import torch

from emonet_bench.cli import dry_run
from emonet_bench.matrix import executors


class AtOnce(Executor):
    """Carries out each call where it is submitted, before the next."""

    def submit(self, function, /, *arguments, **options):
        done = Future()
        try:
            done.set_result(function(*arguments, **options))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the future's
            done.set_exception(error)
        return done


@contextmanager
def cells_in_this_process():
    """Let a matrix, and the probes of its dry run, start no workers meanwhile."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        for module in (executors, dry_run):
            patch.setattr(module, "Workers", lambda devices=(): AtOnce())
        yield
    torch.set_num_threads(threads)
