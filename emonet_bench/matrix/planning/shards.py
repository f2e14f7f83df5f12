"""Shards: equal shares of a matrix, one for each of several machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emonet_bench.runs.spec import Cell


def shard(cells: Sequence[Cell], number: int, count: int, cost: Callable[[Cell], float]) -> list[Cell]:
    """Choose one of several equal shares of a matrix; a source and the cells that start from it stay together.

    Args:
        cells: All cells.
        number: Which share, from 1.
        count: How many there are.
        cost: How long a cell will take; shares are balanced by it, so it must not depend on what has run.
    """
    families: dict[str, list[Cell]] = {}
    for cell in cells:
        families.setdefault(cell.source or cell.run_id, []).append(cell)
    loads = [0.0] * count
    chosen: set[str] = set()
    weights = {name: sum(map(cost, members)) for name, members in families.items()}
    for name in sorted(families, key=lambda name: -weights[name]):  # of equals, in the order of the matrix
        lightest = min(range(count), key=lambda i: loads[i])
        loads[lightest] += weights[name]
        if lightest == number - 1:
            chosen.update(cell.run_id for cell in families[name])
    return [cell for cell in cells if cell.run_id in chosen]
