"""What one waits for before anything happens: commands, and a cell beside its training.

    python benchmarks/start_up.py [--brief] [--runs N] [--repeats N] [--publish]

Commands are whole processes. The cells are real ones, one epoch of the demonstration's networks, in a process that has
run a cell before, as workers do; what a cell spends beside its training is its fixed cost.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measuring import forget_peak, parser, peak_mb, show, table, timed
from report import write


def command(arguments: list[str], repeats: int) -> list[str]:
    """Time a command after a first call; return its row."""

    def run() -> None:
        # A small process starts it: what it may hold counts from the size of the one that started it.
        done = subprocess.run([sys.executable, "-c", _STARTER, *arguments], capture_output=True, text=True, check=True)
        told.append([float(value) for value in done.stdout.split()])

    told: list[list[float]] = []
    for _ in range(repeats + 1):
        run()
    seconds, memory = (statistics.median(values) for values in zip(*told[1:], strict=True))
    return [f"`emonet-bench {arguments[0]}`", f"{seconds:.2f}", f"{memory:.0f}"]


_STARTER = """
import os, subprocess, sys, time
started = time.perf_counter()
command = [sys.executable, "-m", "emonet_bench", *sys.argv[1:]]
process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - started, usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def cells(folder: Path, repeats: int) -> Iterator[list[str]]:
    """Run cells of the demonstration for one epoch each; yield a row for each kind."""
    import torch  # noqa: PLC0415 - commands are measured before

    from emonet_bench.cli.run import DEMO  # noqa: PLC0415
    from emonet_bench.config import read_toml  # noqa: PLC0415
    from emonet_bench.matrix.cells.cell import run_cell  # noqa: PLC0415
    from emonet_bench.matrix.cells.job import Job  # noqa: PLC0415
    from emonet_bench.matrix.planning.plan import matrix_source, plan  # noqa: PLC0415
    from emonet_bench.plugins.loading import Plugins, Selection  # noqa: PLC0415

    values: dict[str, Any] = read_toml(DEMO)
    values |= {"corpora": ["synthetic-acted"], "strategies": ["scratch"], "seeds": list(range(repeats + 1))}
    values["training"] |= {"epochs": 1, "device": "cpu"}
    torch.set_num_threads(1)
    planned = plan(matrix_source(values), Plugins(Selection(strict=True)))
    told: dict[str, list[tuple[float, float, float]]] = {}
    for cell in planned.cells:
        forget_peak()
        whole = timed(lambda cell=cell: run_cell(Job(cell, Selection(), folder)))  # type: ignore[misc]
        (result,) = folder.glob(f"*-{cell.run_id[:8]}/result.json")
        train = json.loads(result.read_text(encoding="utf-8"))["seconds"]["train"]
        told.setdefault(cell.spec.architecture, []).append((whole, whole - train, peak_mb()))
    for architecture, found in told.items():
        whole, fixed, memory = (statistics.median(values) for values in zip(*found[1:], strict=True))
        yield [architecture, f"{whole:.2f}", f"{fixed:.2f}", f"{memory:.0f}"]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    options = parser(__doc__)
    options.add_argument("--runs", type=int, default=1000, help="that are reported [default: 1000]")
    options.add_argument("--repeats", type=int, default=5, help="rounds [default: 5]")
    given = options.parse_args()
    if given.brief:
        given.runs, given.repeats = 10, 1
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        os.environ["EMONET_BENCH_CACHE_DIR"] = str(folder / "cache")
        write(folder / "runs", given.runs)
        asked = [["--help"], ["plugins", "list"], ["corpora", "list"], ["report", str(folder / "runs")]]
        commands = [command(arguments, given.repeats) for arguments in asked]
        rows = list(cells(folder / "results", given.repeats))
    parts = [
        f"Medians of {given.repeats}; `report` reads {given.runs} runs of 120 test clips each.",
        table(["command", "seconds", "peak, MiB"], commands),
        table(["one epoch of", "whole cell, s", "beside its training, s", "peak, MiB"], rows),
    ]
    show("Start-up", parts, publish=given.publish)


if __name__ == "__main__":
    main()
