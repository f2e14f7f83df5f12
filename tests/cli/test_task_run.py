"""``single-task`` and ``multi-task``: what a task needs is told in flags before any audio is read."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from emonet_bench.cli import task_run
from emonet_bench.cli.task_run import carry_out
from emonet_bench.config import Options
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.outcome import Outcome
from emonet_bench.matrix.task import Task
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.types import Architecture, Strategy


def never(*_):
    raise AssertionError("planned, though the options do not go together")


@pytest.fixture
def carried_out(monkeypatch):
    """Carry a task out, with stand-ins for its planning and its work."""

    def run(*, needs_source=False, source=None, plan=never, outcome=None):
        monkeypatch.setattr(task_run, "plan_task", plan)
        monkeypatch.setattr(task_run, "work", lambda planned, options, console: outcome)
        strategy = Strategy("mine", Options, never, ("scratch", "multi-task") if needs_source else None)
        task = Task(
            Architecture("net", "a net", Options, never), strategy, (), {}, {}, source=source, seed=0, threads=1
        )
        return carry_out(task, Plugins(Selection(names=())), RunOptions(), Console(file=io.StringIO()))

    return run


@pytest.mark.parametrize(
    ("needs_source", "source", "words"),
    [
        (False, "run", "-im run: mine starts from random weights; choose another -m, or drop -im"),
        (True, None, "-m mine starts from a trained network: name its run or its weights with -im"),
    ],
)
def test_a_source_too_many_or_none_is_refused_before_the_planning(carried_out, needs_source, source, words):
    with pytest.raises(ConfigError) as caught:
        carried_out(needs_source=needs_source, source=source)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("source run: it is a rnn, not a net", "-im run: it is a rnn, not a net"),
        ("training.epochs: no source of 0", "training.epochs: no source of 0"),
    ],
)
def test_a_source_that_does_not_fit_is_called_by_its_flag(carried_out, said, told):
    def plan(*_):
        raise ConfigError(said)

    with pytest.raises(ConfigError) as caught:
        carried_out(needs_source=True, source="run", plan=plan)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("outcome", "finished"),
    [(Outcome(finished_cells=["cell"]), True), (Outcome(failures=[("cell", "E")]), False), (Outcome(), False)],
)
def test_only_a_task_that_has_finished_is_true(carried_out, outcome, finished):
    assert carried_out(plan=lambda *_: SimpleNamespace(), outcome=outcome) is finished
