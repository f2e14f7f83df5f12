"""What the benchmarks share: taking ways in turn, peak memory, Markdown tables, and where results are written down."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")

Way = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What a way took.

    Attributes:
        seconds: Median over the rounds.
        processor: Likewise, of processor time in this process: other processes disturb it less.
        peak_mb: Likewise, of the most memory that the process held meanwhile, in MiB.
    """

    seconds: float
    processor: float
    peak_mb: float


def interleaved(ways: Mapping[str, Way], repeats: int) -> dict[str, Cost]:
    """Measure ways in turn, after a round that is not counted, so that a busy machine hits all of them alike."""
    taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    for number in range(repeats + 1):
        for name, way in ways.items():
            forget_peak()
            processor = time.process_time()
            seconds = timed(way)
            if number:
                taken[name].append((seconds, time.process_time() - processor, peak_mb()))
    return {name: Cost(*map(statistics.median, zip(*rounds, strict=True))) for name, rounds in taken.items()}


def timed(way: Way) -> float:
    """Return the seconds that a way takes once."""
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


def forget_peak() -> None:
    """Begin to measure the peak memory anew, where the system allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # see proc(5)


def peak_mb(process: int | str = "self") -> float:
    """Return the peak resident memory of a process, in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown; all columns but the first are numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Describe this machine and its load in one line."""
    import torch  # noqa: PLC0415 - a benchmark of start-up must not have imported it

    model = platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return (
        f"{len(os.sched_getaffinity(0))} cores ({model}, {torch.backends.cpu.get_cpu_capability()}"
        f"{', bfloat16' if torch.ops.mkldnn._is_mkldnn_bf16_supported() else ''}), torch {torch.__version__}{gpu}; "  # noqa: SLF001 - no public name
        f"load average over the last 15 minutes: {os.getloadavg()[2]:.1f}"
    )


def parser(description: str | None) -> argparse.ArgumentParser:
    """Make a command line with the options that all benchmarks have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--brief", action="store_true", help="small and once: whether it works, not how fast it is")
    made.add_argument("--publish", action="store_true", help="append the tables to benchmarks/RESULTS.md")
    return made


def show(title: str, parts: Sequence[str], *, publish: bool) -> None:
    """Print parts of a result and, if asked to, append them to RESULTS.md with date and machine."""
    text = "\n\n".join([f"{machine()}.", *parts])
    print(f"{title}: {text}")
    if publish:
        with RESULTS.open("a", encoding="utf-8") as results:
            results.write(f"\n## {title}, {datetime.now(UTC):%Y-%m-%d}\n\n{text}\n")
