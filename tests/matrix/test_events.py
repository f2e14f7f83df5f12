"""Listeners of a matrix: everybody hears everything in order, and whoever raises loses nothing but himself."""

import warnings

import pytest

from emonet_bench.errors import PluginError
from emonet_bench.matrix.events import Listener, Listeners
from emonet_bench.matrix.outcome import Outcome
from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.facts import RunError
from emonet_bench.runs.history import Epoch
from tests.matrix.test_scheduler import Recorder, cell
from tests.written import finished

CELL = cell("a")
RECORD = finished(CELL, peak_memory_mb=300)


def tell(listener, tmp_path):
    listener.reading("a", 1, 2)
    listener.planned(PlannedMatrix([CELL, cell("b")], Plugins(Selection(names=())), {}), (), tmp_path)
    listener.proposed([cell("c")], ())
    listener.started(CELL)
    listener.epoch(CELL, Epoch(1, 1.0, 0.25, 0.01, 1.0))
    listener.elsewhere(cell("b"))
    listener.finished(CELL, RECORD)
    listener.failed(cell("b"), RunError(type="Oops", message="b"))
    listener.skipped(cell("c"), "no reason")
    listener.ended()


EVENTS = [name for name in vars(Listener) if not name.startswith("_")]


def test_every_event_reaches_a_listener_that_only_has_some_of_them(tmp_path):
    partial = Recorder()  # it has neither reading nor planned nor ended, and derives from nothing
    tell(Listeners([partial]), tmp_path)
    assert [heard[0] for heard in partial.heard] == ["started", "epoch", "elsewhere", "finished", "failed", "skipped"]


def test_a_fan_out_passes_every_event_of_a_listener_on(tmp_path):
    heard = []
    listener = type("All", (), {name: (lambda self, *_, name=name: heard.append(name)) for name in EVENTS})()
    tell(Listeners([Listener(), listener]), tmp_path)
    assert heard == EVENTS


class Broken(Listener):
    def started(self, cell):
        raise ValueError("on fire")

    def ended(self):
        raise KeyError("again")


def test_a_listener_that_raises_is_named_once_and_the_others_hear_everything(tmp_path):
    outcome = Outcome()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        tell(Listeners([Broken(), outcome]), tmp_path)
    (message,) = [str(warning.message) for warning in told]
    assert message == "listener Broken: started raised ValueError('on fire'); the matrix goes on"
    assert outcome.counts == {"finished": 1, "failed": 1, "skipped": 1}
    assert outcome.peak_mb == 300


def test_a_verdict_of_a_strict_plugin_stops_the_matrix():
    class Strict(Listener):
        def started(self, cell):
            raise PluginError("plugin mine: emonet_run_started raised")

    with pytest.raises(PluginError, match="plugin mine"):
        Listeners([Strict()]).started(CELL)
