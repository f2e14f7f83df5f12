"""Cells carried out by the test's own process, and processes forked from it: each that is spawned would import torch again."""

import multiprocessing.context
import os
import warnings
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from emonet_bench.cli import dry_run, plugins_check
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


class Forked(multiprocessing.context.ForkProcess if hasattr(os, "fork") else object):
    """A process with all that this one has imported."""

    def start(self):
        with warnings.catch_warnings(action="ignore"):  # from 3.12 on, of threads: pytest's workers have some
            super().start()


@contextmanager
def processes_forked():
    """Let checks of plugins fork their processes meanwhile, where the system can."""
    with pytest.MonkeyPatch.context() as patch:
        if hasattr(os, "fork"):
            context = SimpleNamespace(Pipe=multiprocessing.Pipe, Process=Forked)
            patch.setattr(plugins_check.multiprocessing, "get_context", lambda _: context)
        yield
