"""What a matrix costs beside its cells: the plan of ten thousand, several cells at once against one, and Ray per cell.

    python benchmarks/scaling.py [--brief] [--cells N] [--seeds N] [--jobs 1,auto] [--device cuda] [--repeats N]
        [--publish]

Every figure is of whole processes (``emonet-bench run matrix ...``), ways in turn in each round, medians over the
rounds. A dry run is measured with an empty cache of probes and again with what the first has left; memory is sampled
fifty times a second: the planning process alone, and all processes together (resident, so that pages they share count
twice). Cells at once train a real network, in an audio cache that is built before. What an executor costs for each cell
is the slope between two matrices of ``chance``, whose cells train nothing; without emonet-ray its line is left out.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import parser, show, table

_PLANNED = 'corpora = ["synthetic-acted", "synthetic-calls"]\narchitectures = ["cnn"]\n'
_TRAINED = f'{_PLANNED}training = {{epochs = 4, window = 1.0, precision = "float32"}}\n'
_UNTRAINED = 'corpora = ["synthetic-calls"]\narchitectures = ["chance"]\ntraining = {epochs = 1, device = "cpu"}\n'
_EXECUTORS = ("processes", "ray") if find_spec("emonet_ray") and find_spec("ray") else ("processes",)


@dataclass(frozen=True)
class Taken:
    """What a command took.

    Attributes:
        seconds: Wall-clock time.
        own_mb: The most memory that its first process held, in MiB.
        all_mb: The most that it and its descendants held together.
    """

    seconds: float
    own_mb: float
    all_mb: float


class Runs:
    """Starts ``run matrix`` in a folder of its own, each time with new results.

    Args:
        folder: Where matrices, results and caches lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(self, matrix: str, *flags: str) -> Taken:
        """Run a matrix to its end; what it said is shown where it failed."""
        self.count += 1
        file = self.folder / "matrix.toml"
        file.write_text(matrix, encoding="utf-8")
        command = [sys.executable, "-m", "emonet_bench", "run", "matrix", str(file), *flags]
        results = ["--results", str(self.folder / f"results-{self.count}")]
        environment = {**os.environ, "EMONET_BENCH_CACHE_DIR": str(self.folder / "cache")}
        started = time.perf_counter()
        with (
            (self.folder / "said").open("w") as said,
            subprocess.Popen([*command, *results], stdout=said, stderr=said, env=environment) as process,
        ):
            held = watched(process) if "--dry-run" in flags else (0.0, 0.0)  # elsewhere, to look would disturb
        if process.returncode:
            raise SystemExit((self.folder / "said").read_text())
        return Taken(time.perf_counter() - started, *held)

    def forget_probes(self) -> None:
        """Empty the cache of probes."""
        for file in (self.folder / "cache" / "probes").glob("*"):
            file.unlink()


def watched(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Wait for a process; return the most memory that it and that all of its descendants held, in MiB."""
    own = together = 0.0
    while process.poll() is None:
        held = [resident_mb(one) for one in family(process.pid)]
        own, together = max(own, held[0]), max(together, sum(held))
        time.sleep(0.02)
    return own, together


def family(process: int) -> list[int]:
    """List a process and its descendants."""
    found = [process]
    for one in found:
        with suppress(OSError):
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    return found


def resident_mb(process: int) -> float:
    """Return the resident memory of a process; 0 where it has ended."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def rounds(ways: Mapping[str, Iterator[Taken]], repeats: int) -> dict[str, Taken]:
    """Take every way in turn, so many rounds; return the medians of each."""
    taken: dict[str, list[Taken]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            taken[name].append(next(way))
    return {name: median(each) for name, each in taken.items()}


def median(taken: Sequence[Taken]) -> Taken:
    """Return the medians of seconds and memory, each for itself."""
    columns = ((one.seconds, one.own_mb, one.all_mb) for one in taken)
    return Taken(*map(statistics.median, zip(*columns, strict=True)))


def seeds(count: int) -> str:
    """Write the axis of seeds."""
    return f"seeds = {list(range(count))}\n"


def planning(runs: Runs, cells: int, repeats: int) -> str:
    """Measure dry runs of so many cells."""
    matrix = _PLANNED + seeds(max(1, cells // 20)) + f"[training]\nepochs = {list(range(1, 11))}\n"

    def first() -> Iterator[Taken]:
        while True:
            runs.forget_probes()
            yield runs(matrix, "--dry-run")

    def again() -> Iterator[Taken]:
        while True:
            yield runs(matrix, "--dry-run")

    taken = rounds({"first, with a probe": first(), "again, probe kept": again()}, repeats)
    rows = ([name, f"{took.seconds:.2f}", f"{took.own_mb:.0f}", f"{took.all_mb:.0f}"] for name, took in taken.items())
    return table([f"dry run of {20 * max(1, cells // 20)} cells", "seconds", "planning, MiB", "all, MiB"], rows)


def at_once(runs: Runs, several: Sequence[str], count: int, repeats: int, flags: Sequence[str]) -> str:
    """Measure a matrix of two corpora and so many seeds with several values of ``--jobs``."""

    def way(jobs: str) -> Iterator[Taken]:
        while True:
            yield runs(_TRAINED.replace("training", f"{seeds(count)}training", 1), "--jobs", jobs, *flags)

    taken = rounds({jobs: way(jobs) for jobs in several}, repeats)
    first = taken[several[0]].seconds
    rows = (
        [jobs, f"{took.seconds:.1f}", f"{2 * count / took.seconds * 3600:.0f}", f"{first / took.seconds:.2f}"]
        for jobs, took in taken.items()
    )
    return table([f"--jobs, {2 * count} cells", "seconds", "cells an hour", f"against {several[0]}"], rows)


def executors(runs: Runs, few: int, many: int, repeats: int) -> str:
    """Measure what each executor takes to start, and for each cell, one at a time."""

    def way(executor: str, count: int) -> Iterator[Taken]:
        while True:
            yield runs(
                _UNTRAINED.replace("training", f"{seeds(count)}training", 1), "--executor", executor, "--jobs", "1"
            )

    taken = rounds({f"{name} {n}": way(name, n) for name in _EXECUTORS for n in (few, many)}, repeats)
    return table([f"executor, {few} and {many} cells", "seconds to start", "seconds a cell"], slopes(taken, few, many))


def slopes(taken: Mapping[str, Taken], few: int, many: int) -> Iterable[Sequence[str]]:
    """Yield each executor's row: where the line through both sizes begins, and its slope."""
    for name in _EXECUTORS:
        low, high = taken[f"{name} {few}"].seconds, taken[f"{name} {many}"].seconds
        each = (high - low) / (many - few)
        yield [name, f"{low - few * each:.1f}", f"{each:.3f}"]


def main() -> None:
    """Read the command line, measure, print and, if asked to, publish."""
    made = parser(__doc__)
    made.add_argument("--cells", type=int, default=10_000, help="cells of the dry run [default: 10000]")
    made.add_argument("--seeds", type=int, default=3, help="seeds of the matrix that is trained [default: 3]")
    made.add_argument(
        "--jobs", default="1,2", help="values of run matrix's --jobs, compared with the first [default: 1,2]"
    )
    made.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where cells train [default: cpu]")
    made.add_argument("--repeats", type=int, default=3, help="rounds [default: 3]")
    given = made.parse_args()
    count, repeats, many = given.seeds, given.repeats, 64
    flags = ["--device", given.device]
    if given.brief:
        given.cells, count, repeats, many = 200, 1, 1, 8
        flags += ["--limit", "16"]
    with TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        runs(_TRAINED.replace('"cnn"', '"chance"'), "--jobs", "1")  # builds the audio cache
        parts = [
            planning(runs, given.cells, repeats),
            at_once(runs, given.jobs.split(","), count, repeats, flags),
            executors(runs, 4, many, repeats),
        ]
    show("Scaling", parts, publish=given.publish)


if __name__ == "__main__":
    main()
