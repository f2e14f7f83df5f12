"""Progress lines: one for each cell that ends, and one for each epoch where that is wanted."""

from emonet_bench.matrix.planning.plan import PlannedMatrix
from emonet_bench.matrix.planning.stale import StaleRun
from emonet_bench.matrix.progress import ProgressLines
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.facts import RunError
from tests.matrix.test_events import CELL, RECORD, tell


def test_progress_is_a_line_for_each_cell_that_ends(tmp_path, capsys):
    tell(ProgressLines(epochs=True), tmp_path)
    assert capsys.readouterr().out.splitlines() == [
        "a a s s0: epoch 1 of 40, dev UAR 0.250",
        "[1/3] a a s s0: finished, test UAR 0.500",
        "[2/3] b a s s0: failed, Oops: b",
        "[3/3] c a s s0: skipped, no reason",
    ]


def test_progress_tells_what_was_on_disk_and_what_other_code_has_left(tmp_path):
    lines = []
    progress = ProgressLines(lines.append)
    stale = {"x": StaleRun("y", "", frozenset({"my-net"}))}
    progress.planned(PlannedMatrix([CELL], Plugins(Selection(names=())), {}, stale=stale), (), tmp_path)
    progress.finished(CELL, RECORD)
    assert lines == [
        "1 from other code of my-net: trained anew; --reuse takes them as they are",
        "[1/1] a a s s0: finished, test UAR 0.500 (on disk already)",
    ]


def test_epochs_are_no_lines_unless_asked_for(tmp_path):
    lines = []
    tell(ProgressLines(lines.append), tmp_path)
    assert [line.partition(" ")[0] for line in lines] == ["[1/3]", "[2/3]", "[3/3]"]


def test_what_a_stranger_has_written_is_shown_and_not_obeyed(capsys):
    progress = ProgressLines()
    progress.failed(CELL, RunError(type="Oops", message="\x1b[31mred"))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "red" in shown


def test_a_message_of_many_lines_is_one_line():
    lines = []
    ProgressLines(lines.append).failed(CELL, RunError(type="RuntimeError", message="shapes\n  differ"))
    assert lines == ["[1/0] a a s s0: failed, RuntimeError: shapes differ"]


def test_counting_begins_anew_with_each_matrix(tmp_path):
    lines = []
    progress = ProgressLines(lines.append)
    for _ in range(2):
        progress.planned(PlannedMatrix([CELL], Plugins(Selection(names=())), {}), (), tmp_path)
        progress.skipped(CELL, "so")
    assert lines == ["[1/1] a a s s0: skipped, so"] * 2
