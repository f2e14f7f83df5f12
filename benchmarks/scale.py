"""What size costs: time and memory against the hours of a corpus, and against the cells of a matrix.

    python benchmarks/scale.py [--brief] [--hours 0.3,3,30] [--cells 10,100,1000] [--publish]

Each size is measured in a process of its own. A corpus of noise is read (its audio store is built), opened again, as
every cell does, and a small recurrent network is trained for one epoch by ``run_cell``. Memory is the process's own
(anonymous); the audio store is mapped, its pages are the system's to keep or to drop. A matrix has so many seeds of
``chance`` on a generated corpus: cells without training, so that the harness alone is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measuring import parser, show, table

_TRAINING = {"epochs": 1, "device": "cpu", "precision": "float32"}
_NETWORK = {"features": "logmel", "num_mels": 32, "hidden_dim": 32, "number_of_layers": 1}


@contextmanager
def watched(told: dict[str, float]) -> Iterator[None]:
    """Note the most anonymous memory that this process holds meanwhile, in MiB, by looking twenty times a second."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            told["memory"] = max(told.get("memory", 0.0), int(status.partition("RssAnon:")[2].split()[0]) / 1024)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def corpus(hours: float, folder: Path) -> dict[str, float]:
    """Build, open and train on a corpus; return seconds and memory. In a process of its own."""
    import noise  # noqa: PLC0415 - here and below: the process that measures others stays small

    from emonet_bench.data.opened_corpus import OpenCorpus, open_corpus  # noqa: PLC0415
    from emonet_bench.matrix.cells.cell import run_cell  # noqa: PLC0415
    from emonet_bench.matrix.cells.job import Job  # noqa: PLC0415
    from emonet_bench.matrix.planning.file import Matrix  # noqa: PLC0415
    from emonet_bench.matrix.planning.planner import Planner  # noqa: PLC0415
    from emonet_bench.matrix.resources import resolve  # noqa: PLC0415
    from emonet_bench.plugins.loading import Plugins, Selection  # noqa: PLC0415

    chosen, plugins, told = noise.corpus(hours, folder / "files"), Plugins(Selection(strict=True)), {}
    plugins.add_corpora([chosen])

    def opened() -> OpenCorpus:
        return open_corpus(chosen, None, noise.RATE, folder / "cache")

    with watched(told):
        told["build"] = seconds(opened)
        told["open"] = seconds(opened)
        matrix = Matrix(corpora=["noise"], architectures=["rnn"], training=_TRAINING, options={"rnn": _NETWORK})
        (cell,) = Planner(matrix, plugins, lambda *_: opened(), resolve).cells()
        told["cell"] = seconds(lambda: run_cell(Job(cell, Selection(), folder / "results", corpora=(chosen,))))
    (result,) = (folder / "results").glob("*/result.json")
    return {**told, **json.loads(result.read_text(encoding="utf-8"))["seconds"]}


def seconds(work: Callable[[], object]) -> float:
    """Time something once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def alone(function: str, argument: float) -> dict[str, float]:
    """Call a function of this module in a fresh process with a folder of its own."""
    with TemporaryDirectory() as folder:
        code = f"import json, pathlib, scale; print(json.dumps(scale.{function}({argument}, pathlib.Path({folder!r}))))"
        environment = {**os.environ, "EMONET_BENCH_CACHE_DIR": f"{folder}/cache", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def matrix(cells: int, folder: Path) -> dict[str, float]:
    """Run a matrix of so many cells; return its time, the main process's memory and the cells' first and last."""
    file = folder / "matrix.toml"
    file.write_text(
        f"corpora = ['synthetic-acted']\narchitectures = ['chance']\nseeds = {list(range(cells))}\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "emonet_bench", "run", "matrix", str(file), "--results", str(folder / "results")]
    first = [*command, "--seeds", "0"]  # the corpus is generated and read
    subprocess.run(first, stdout=subprocess.DEVNULL, check=True)
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--force"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - started
    if status:
        raise SystemExit(f"a matrix of {cells} cells has failed")
    records = [json.loads(path.read_text(encoding="utf-8")) for path in (folder / "results").glob("*/result.json")]
    memory = [record["peak_memory_mb"] for record in sorted(records, key=lambda record: record["finished"])]
    return {"seconds": taken, "memory": usage.ru_maxrss / 1024, "first": memory[0], "last": memory[-1]}


def corpora_table(sizes: list[float]) -> str:
    rows = []
    for hours in sizes:
        one = alone("corpus", hours)
        cells = [one["build"], one["open"], one["load"], one["train"], one["evaluate"], one["cell"]]
        rows.append(
            [
                f"{hours:g} h",
                *(f"{value:.2f}" for value in cells),
                f"{one['train'] / hours:.1f}",
                f"{one['memory']:.0f}",
            ]
        )
    head = ["corpus", "build, s", "open, s", "load, s", "one epoch, s", "evaluate, s", "whole cell, s"]
    return table([*head, "epoch, s per hour", "memory, MiB"], rows)


def matrices_table(sizes: list[int]) -> str:
    rows = []
    for cells in sizes:
        one = alone("matrix", cells)
        facts = [one["seconds"], one["seconds"] / cells]
        rows.append(
            [str(cells), *(f"{v:.2f}" for v in facts), *(f"{one[key]:.0f}" for key in ("memory", "first", "last"))]
        )
    head = ["cells", "seconds", "seconds a cell", "main process, MiB", "first cell, MiB", "last cell, MiB"]
    return table(head, rows)


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("--hours", default="0.3,3", help="of corpora [default: 0.3,3]")
    options.add_argument("--cells", default="10,40", help="of matrices [default: 10,40]")
    given: Any = options.parse_args()
    if given.brief:
        given.hours, given.cells = "0.02", "2"
    parts = [
        corpora_table([float(hours) for hours in given.hours.split(",")]),
        matrices_table([int(cells) for cells in given.cells.split(",")]),
    ]
    show("Scale", parts, publish=given.publish)


if __name__ == "__main__":
    main()
