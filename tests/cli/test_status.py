"""A matrix seen from another terminal."""

import json
import subprocess
import sys
import time
from dataclasses import replace

from rich.console import Console

from emonet_bench.cli.status import view
from emonet_bench.matrix.queue import QueuedCell, published
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.runs.store import RunStore
from tests.matrix.test_scheduler import cell, epochs, write
from tests.runs.test_store import IDENTITY, SPEC

OOPS = {"type": "Oops", "message": "list[int]\nmore"}


def seen(store):
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(view(store, lambda directory: RunFiles(directory).read_record()))
    return capture.get()


def test_a_running_cell_shows_its_epoch_and_an_interrupted_one_says_so(tmp_path):
    store = RunStore(tmp_path)
    with store.writing(SPEC, IDENTITY) as directory:
        epochs(directory, 0.25, 0.5)
        (line,) = [line for line in seen(store).splitlines() if line.startswith("c-a-s-s0-")]
        assert line.split()[1:5] == ["running", "2", "UAR", "0.500"]
        directory.rename(tmp_path / "aside")
    (tmp_path / "aside").rename(directory)
    assert "interrupted" in seen(store)
    assert "1 interrupted" in seen(store)


def test_failures_are_named_and_finished_cells_counted(tmp_path):
    for name, changes in {"one": {}, "two": {}, "three": {"error": OOPS}}.items():
        (tmp_path / name).mkdir()
        write(tmp_path / name, cell("a"), **changes)
    told = seen(RunStore(tmp_path))
    assert "failed: three: Oops: list[int]" in told
    assert "more" not in told
    assert f"1 failed, 2 finished. Results: {tmp_path}/" in told.replace("\n", "")


def test_a_damaged_record_is_one_line_and_one_that_is_being_replaced_left_out(tmp_path):
    run = tmp_path / "one"
    run.mkdir()
    write(run, cell("a"))

    class Store(RunStore):
        def finished(self):
            return [*super().finished(), tmp_path / "gone"]

    assert "1 finished" in seen(Store(tmp_path))
    (run / "result.json").write_text("damaged")
    (tmp_path / "two").mkdir()
    write(tmp_path / "two", cell("a"))
    told = seen(Store(tmp_path)).replace("\n", "")
    assert "unreadable: " in told
    assert "damaged" in told
    assert "1 unreadable, 1 finished" in told


def test_what_a_running_matrix_has_before_it_is_counted_with_the_time_left(tmp_path):
    store = RunStore(tmp_path)
    names = ["done", "bad", "child", "next", "again", store.pending(SPEC, IDENTITY).name]
    planned = [QueuedCell(name, "x", 100, 10, "bad" if name == "child" else None, None) for name in names]
    planned[4] = replace(planned[4], since=time.time() + 60)
    for name, record in (("done", {"seconds": {"load": 20, "train": 100}}), ("bad", {"error": OOPS}), ("again", {})):
        (tmp_path / name).mkdir()
        write(tmp_path / name, cell("a"), **record)
    with published(store, planned), store.writing(SPEC, IDENTITY) as directory:
        writer = RunFiles(directory).history_writer()
        for number, seconds in ((1, 20.0), (2, 40.0)):
            writer.write(Epoch(number, 1.0, 0.5, 0.01, seconds))
        told = seen(store)
        store.discard(directory)
    # One has 8 epochs of 30 s left; two wait, for 150 s each: the others took (120 + 60) s for (100 + 20) clips.
    assert "1 running, 2 waiting, 1 failed, 1 finished; about 9 min left." in told
    assert "left" not in seen(store)


def test_it_needs_no_torch_and_refuses_what_is_no_directory(tmp_path):
    code = "import json, sys, emonet_bench.cli.status; json.dump('torch' in sys.modules, sys.stdout)"
    assert json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) is False
    done = subprocess.run(
        [sys.executable, "-m", "emonet_bench", "status", tmp_path / "nowhere"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nowhere: no such directory; give the one that 'run matrix' writes to" in done.stderr
