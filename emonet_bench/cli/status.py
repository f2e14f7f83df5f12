"""``emonet-bench status``: what is going on in a results directory, seen from another terminal or machine."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import rich_click as click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emonet_bench.console.paths import PathParam
from emonet_bench.console.terminal import Terminal
from emonet_bench.errors import StoreError
from emonet_bench.escaping import printable
from emonet_bench.matrix import queue
from emonet_bench.metrics.choice import words
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.history import Epoch
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.store import RunStore

_WATCH_SECONDS = 2.0
_STATES = ("running", "interrupted", "waiting", "failed", "unreadable", "finished")

Read = Callable[[Path], RunRecord]


@click.command()
@click.argument("results", type=PathParam(), default=Path("results"))
@click.option("--watch", is_flag=True, help="Look again every two seconds until Ctrl-C.")
def status(results: Path, *, watch: bool) -> None:
    """Show the cells of a results directory: running, interrupted, failed, how many have finished and how long is left.

    RESULTS is a results directory. Nothing in it is changed, and torch is not needed.
    """
    if not os.path.isdir(results):  # noqa: PTH112 - no error where the name is too long
        what = "is a file" if os.path.isfile(results) else "no such directory"  # noqa: PTH113
        raise StoreError(f"{results}: {what}; give the one that 'run matrix' writes to with --results")
    console, store = Terminal(), RunStore(results)
    if not watch:
        console.print(view(store, _read))
        return
    read = cache(_read)  # a finished run does not change
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(view(store, read), refresh=True)
            time.sleep(_WATCH_SECONDS)


def _read(directory: Path) -> RunRecord:
    return RunFiles(directory).read_record()


@dataclass
class _Survey:
    """What a results directory holds: rows of a table, lines below it, and what an estimate of the time left needs."""

    rows: list[tuple[str | Text, ...]] = field(default_factory=list)
    problems: list[Text] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    spent: dict[str, float] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    running: dict[str, tuple[int, float]] = field(default_factory=dict)
    interrupted: set[str] = field(default_factory=set)

    def unfinished(self, directory: Path, *, busy: bool) -> None:
        try:
            rows = RunFiles(directory).read_history()
        except StoreError as error:
            self.unreadable(directory.name, error)
            return
        state, colour = ("running", "cyan") if busy else ("interrupted", "yellow")
        self.rows.append((directory.name, Text(state, colour), *_epochs(directory, rows)))
        self.counts[state] += 1
        if busy:
            self.running[directory.name] = (len(rows), sum(row.seconds for row in rows))
        else:
            self.interrupted.add(directory.name)

    def ended(self, name: str, record: RunRecord) -> None:
        if record.error is not None:
            self._problem("failed", f"{name}: {record.error.type}: {record.error.message}".partition("\n")[0])
            self.given_up.add(name)
        else:
            self.spent[name] = sum(record.seconds.values())
        self.counts["failed" if record.failed else "finished"] += 1

    def unreadable(self, name: str, error: Exception) -> None:
        self._problem("unreadable", str(error))
        self.given_up.add(name)
        self.counts["unreadable"] += 1

    def _problem(self, state: str, line: str) -> None:
        self.problems.append(Text(state, "red").append(f": {printable(line)}", "default"))

    def waiting(self, planned: Sequence[queue.QueuedCell]) -> None:
        begun = self.spent.keys() | self.running.keys() | self.given_up | self.interrupted
        self.counts["waiting"] = sum(
            item.directory not in begun and item.source not in self.given_up for item in planned
        )

    def left(self, planned: Sequence[queue.QueuedCell]) -> str:
        return str(queue.time_remaining(planned, self.spent, self.given_up, self.running))


def view(store: RunStore, read: Read) -> Group:
    """Draw the state of a results directory.

    Args:
        store: The results directory.
        read: Reads the record of a finished run.
    """
    planned = queue.current(store)
    since = {item.directory: item.since for item in planned}
    survey = _Survey()
    for directory, busy in store.unfinished():
        survey.unfinished(directory, busy=busy)
    for directory in store.finished():
        try:
            if directory.stat().st_mtime >= since.get(directory.name, 0.0):
                survey.ended(directory.name, read(directory))
        except (OSError, StoreError) as error:
            if not isinstance(error.__cause__ or error, FileNotFoundError):  # what is missing is just being replaced
                survey.unreadable(directory.name, error)
    survey.waiting(planned)
    table = Table(box=None, pad_edge=False)
    table.add_column("cell", overflow="fold")
    table.add_column("state", no_wrap=True)
    for column in ("epoch", "dev", "last sign"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in survey.rows:
        table.add_row(*(Text(part) if isinstance(part, str) else part for part in row))
    shown: tuple[Table, str] = (table, "")
    told = ", ".join(f"{survey.counts[state]} {state}" for state in _STATES if survey.counts[state])
    line = f"{told or 'nothing has begun'}{survey.left(planned)}. Results: {store.root}/"
    return Group(*(shown if table.row_count else ()), *survey.problems, Text(line))


def _epochs(directory: Path, rows: Sequence[Epoch]) -> tuple[str, str, str]:
    if not rows:
        return "", "", ""
    told = f"{rows[-1].epoch}", f"{words(rows[-1].selection)} {rows[-1].dev_score:.3f}"
    with suppress(OSError):  # it has just finished, and is elsewhere now
        return *told, f"{int(time.time() - RunFiles(directory).history.stat().st_mtime)} s ago"
    return *told, ""
