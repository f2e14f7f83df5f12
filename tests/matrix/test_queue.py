"""What a running matrix announces, and how long it says that is left."""

import json
import subprocess
import sys

import pytest

from emonet_bench.matrix import queue
from emonet_bench.matrix.planning.cost import Cost
from emonet_bench.matrix.queue import QueuedCell, current, published, time_remaining
from emonet_bench.runs.store import RunStore
from tests.matrix.test_scheduler import cell


def item(name, clips=100, alike="x", source=None, seconds=None, epochs=10):
    return QueuedCell(name, alike, clips, epochs, source, seconds)


def left(*planned, spent=None, given_up=(), running=None):
    seconds, whole = time_remaining(planned, spent or {}, given_up, running or {})
    assert whole
    return seconds


def test_a_waiting_cell_takes_as_long_for_each_clip_as_finished_ones_of_its_kind():
    planned = [
        item("a", clips=100),
        item("b", clips=300),
        item("c", clips=50, alike="y"),
        item("d", clips=50, alike="y"),
    ]
    assert left(*planned, spent={"a": 10.0, "c": 40.0}) == pytest.approx(300 * 10 / 100 + 50 * 40 / 50)


def test_a_running_cell_goes_on_as_it_did_so_far():
    assert left(item("a", seconds=1.0), running={"a": (4, 8.0)}) == pytest.approx(6 * 2.0)


def test_cells_at_once_share_the_time_but_the_longest_bounds_it():
    planned = [item("a"), item("b"), item("c"), item("d", clips=1000)]
    rate = {"a": 10.0}
    begun = {"b": (0, 0.0), "c": (0, 0.0)}
    assert left(*planned, spent=rate, running=begun) == pytest.approx(100.0)
    assert left(*planned[:3], item("d", clips=200), spent=rate, running=begun) == pytest.approx((10 + 10 + 20) / 2)


def test_a_waiting_cell_learns_from_one_of_its_kind_that_is_still_running():
    begun = {"a": (5, 30.0)}  # half of its epochs
    assert left(item("a", clips=100), item("b", clips=300), running=begun) == pytest.approx(30 + 3 * 60)


def test_a_probe_serves_until_a_cell_of_the_kind_has_begun():
    waiting = item("b", alike="y", seconds=70.0)
    assert left(item("a"), waiting, spent={"a": 10.0}) == pytest.approx(70.0)
    assert left(item("a"), item("c", alike="y"), waiting, spent={"a": 10.0, "c": 20.0}) == pytest.approx(20.0)


def test_a_kind_of_which_nothing_is_known_makes_the_time_left_the_least():
    planned = [item("quick", alike="y"), item("slow"), item("a", alike="z"), item("b", alike="z")]
    known = time_remaining(planned, {"quick": 0.1, "a": 300.0}, (), {})
    assert str(known) == "; at least 5 min left"
    assert str(time_remaining(planned[2:], {"a": 300.0}, (), {})) == "; about 5 min left"


def test_what_failed_and_what_waited_for_it_take_no_time():
    assert left(item("a"), item("b", source="a"), given_up={"a"}) == 0.0


def test_where_nothing_is_known_nothing_is_said():
    assert str(time_remaining([item("a")], {}, (), {})) == ""


def test_cells_are_put_in_short_with_their_source_and_a_probes_estimate():
    cells = [cell("a"), cell("b", source="a"), cell("c", skip="why not")]
    first, second = queue.queued_cells(cells, lambda _: 200.0, lambda _: Cost(0.5, 10), lambda one: one is cells[1])
    assert (first.seconds, first.source, second.source) == (100.0, None, first.directory)
    assert first.since == 0.0 < second.since


def test_agendas_of_running_processes_are_joined_and_end_with_them(tmp_path):
    store = RunStore(tmp_path)
    with published(store, [item("a"), item("b")]):
        with published(store, [item("b"), item("c", source="a")]):
            assert sorted(one.directory for one in current(store)) == ["a", "b", "c"]
        assert current(store) == [item("a"), item("b")]
    assert current(store) == []
    assert not list((tmp_path / ".pending").iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
from emonet_bench.matrix.queue import QueuedCell, published
from emonet_bench.runs.store import RunStore

with published(RunStore(Path(sys.argv[1])), [QueuedCell("a", "x", 1.0, 1, None, None)]):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_killed_process_announces_nothing_and_the_next_one_clears_what_it_left(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    left_behind = {path.suffix for path in (tmp_path / ".pending").iterdir()}
    assert left_behind == {".json", ".lock"}
    assert current(RunStore(tmp_path)) == []
    assert {path.suffix for path in (tmp_path / ".pending").iterdir()} == left_behind, "to look changes nothing"
    with published(RunStore(tmp_path), []):
        assert len(list((tmp_path / ".pending").iterdir())) == 2
    assert not list((tmp_path / ".pending").iterdir())


def test_an_agenda_that_cannot_be_written_or_read_stops_nothing(tmp_path):
    (tmp_path / "file").touch()
    with published(RunStore(tmp_path / "file"), [item("a")]):
        pass
    with published(RunStore(tmp_path), [item("a")]):
        (file,) = (tmp_path / ".pending").glob("*.json")
        for damaged in ("", "[]", json.dumps([{"later": 1}]), "[" * 100_000, '{"clips": NaN}', "[{}]"):
            file.write_text(damaged)
            assert current(RunStore(tmp_path)) == []
