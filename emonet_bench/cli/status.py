"""``emonet-bench status``: what is going on in a results directory, seen from another terminal or machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from emonet_bench.errors import StoreError
from emonet_bench.schedule import history
from emonet_bench.store import RunStore, read_record

_WATCH_SECONDS = 2.0

Read = Callable[[Path], dict[str, Any]]


@click.command()
@click.argument("results", type=click.Path(path_type=Path), default=Path("results"))
@click.option("--watch", is_flag=True, help="Look again every two seconds until Ctrl-C.")
def status(results: Path, *, watch: bool) -> None:
    """Show the cells of a results directory: running, interrupted, failed, and how many have finished.

    RESULTS is a results directory. Nothing in it is changed, and torch is not needed.
    """
    if not results.is_dir():
        raise StoreError(f"{results}: no such directory; give the one that 'run matrix' writes to with --results")
    console, store = Console(), RunStore(results)
    if not watch:
        console.print(view(store, read_record))
        return
    read = cache(read_record)  # a finished run does not change
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(view(store, read), refresh=True)
            time.sleep(_WATCH_SECONDS)


def view(store: RunStore, read: Read) -> Group:
    """Draw the state of a results directory.

    Args:
        store: The results directory.
        read: Reads the record of a finished run.
    """
    table = Table(box=None, pad_edge=False)
    for column, right in (("cell", False), ("state", False), ("epoch", True), ("dev UAR", True), ("last sign", True)):
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    counts = dict.fromkeys(("running", "interrupted", "failed", "finished"), 0)
    for directory, busy in store.unfinished():
        state = "running" if busy else "interrupted"
        counts[state] += 1
        table.add_row(directory.name, f"[{'cyan' if busy else 'yellow'}]{state}[/]", *_epochs(directory))
    for directory in store.finished():
        record = read(directory)
        counts["failed" if "error" in record else "finished"] += 1
        if "error" in record:
            table.add_row(directory.name, f"[red]failed[/]: {_reason(record['error'])}")
    shown: tuple[Table, str] = (table, "")
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "nothing has begun"
    return Group(*(shown if table.row_count else ()), f"{told}. Results: {store.root}/")


def _epochs(directory: Path) -> tuple[str, str, str]:
    rows = history(directory)
    if not rows:
        return "", "", ""
    seconds = int(time.time() - (directory / "history.csv").stat().st_mtime)
    return f"{rows[-1]['epoch']:.0f}", f"{rows[-1]['dev_uar']:.3f}", f"{seconds} s ago"


def _reason(error: dict[str, str]) -> str:
    return f"{error['type']}: {error['message']}".partition("\n")[0].replace("[", "\\[")
