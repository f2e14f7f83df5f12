"""What EmoNet claims of transfer, counted in the results of a matrix such as examples/transfer.toml.

    python benchmarks/transfer/claims.py RESULTS [MORE ...] [--baseline 'cnn scratch'] [--filter KEY=A,B] [--publish]

On how many corpora is a strategy better than training from scratch, and on how many significantly so? Which gain could
have been found with so many speakers? How many parameters does a corpus cost? Differences and p values are those of
`emonet-bench report`: pooled test utterances of all folds, paired bootstrap over speakers, Holm's correction over the
whole table. Several results directories are read as one: the baseline may have been trained before.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import parser, show, table

from emonet_bench.metrics.power import detectable_difference

ALPHA = 0.05
TASKS = 26
CLAIMS = (
    "EmoNet's adapters, on 26 corpora: better on 21 (81 %), significantly better on 15 (58 %), "
    "significantly worse on 3 (12 %)."
)
POWER = (
    "Differences of UAR [95 % interval] and, after the slash, the least true difference that such a test finds in four "
    "of five experiments, after Holm; `-`: none, however large, with so few speakers and so many tests."
)

Cell = dict[str, Any]


def main() -> None:
    made = parser(__doc__)
    made.add_argument("results", type=Path, nargs="+")
    made.add_argument("--baseline", default="scratch", help="strategy or column to compare with [default: scratch]")
    made.add_argument("--filter", default=[], action="append", help="as of 'emonet-bench report'; repeatable")
    arguments = made.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        read = partial(report, together(arguments.results, Path(folder)), arguments.baseline, arguments.filter)
        cells = [cell for cell in json.loads(read("json"))["cells"] if cell["state"] == "done"]
        markdown = read("markdown").strip()
    compared = [cell for cell in cells if cell["difference"] is not None]
    if not compared:
        sys.exit(f"{arguments.results[0]}: nothing to compare with {arguments.baseline}")
    head = ["strategy", "corpora", "better", "significantly", "worse", "significantly", "mean difference of UAR"]
    head += ["trained for a corpus", f"{TASKS} tasks, times one network"]
    plain = [cell for cell in cells if cell["difference"] is None and is_baseline(cell, arguments.baseline)]
    parts = [CLAIMS, table(head, list(counts(compared, plain))), POWER, table(*gains(compared)), markdown]
    show(f"Transfer, {arguments.results[0].name}", parts, publish=arguments.publish)


def together(results: Sequence[Path], folder: Path) -> Path:
    """Return a directory with the runs of all results directories, as links."""
    if len(results) == 1:
        return results[0]
    for directory in results:
        for run in directory.iterdir():
            if run.is_dir() and not run.name.startswith(".") and not (folder / run.name).exists():
                (folder / run.name).symlink_to(run.resolve(), target_is_directory=True)
    return folder


def report(results: Path, baseline: str, filters: Sequence[str], form: str) -> str:
    command = [sys.executable, "-m", "emonet_bench", "report", str(results), "--baseline", baseline, "--format", form]
    command += [f"--filter={text}" for text in filters]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def is_baseline(cell: Cell, baseline: str) -> bool:
    return baseline in (cell["strategy"], title(cell))


def title(cell: Cell) -> str:
    return " ".join(filter(None, (cell["architecture"], cell["strategy"], cell["tag"])))


def counts(cells: Sequence[Cell], plain: Sequence[Cell]) -> Iterator[list[str]]:
    for name, mine in by_strategy(cells).items():
        better = [cell for cell in mine if cell["difference"] > 0]
        worse = [cell for cell in mine if cell["difference"] < 0]
        mean = sum(cell["difference"] for cell in mine) / len(mine)
        numbers = [len(mine), len(better), significant(better), len(worse), significant(worse)]
        yield [name, *map(str, numbers), f"{mean:+.3f}", *costs(mine, plain)]


def by_strategy(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(title(cell), []).append(cell)
    return found


def significant(cells: Sequence[Cell]) -> int:
    return sum(cell["p"] is not None and cell["p"] < ALPHA for cell in cells)


def costs(cells: Sequence[Cell], plain: Sequence[Cell]) -> list[str]:
    """Say what a corpus adds: its share of the network, and the size of one shared network with many corpora's parts.

    What is trained for a corpus is its own, the rest is shared; heads differ a little by the number of labels. Parts of
    a joint network are not told apart here: see parameters.py.
    """
    alike = [cell["total"] for cell in plain if cell["architecture"] == cells[0]["architecture"]]
    if not alike or any(cell["strategy"] == "multi-task" for cell in cells):
        return ["", ""]
    own, total = (sum(cell[name] for cell in cells) / len(cells) for name in ("trainable", "total"))
    return [f"{own / total:.1%}", f"{(total - own + TASKS * own) / (sum(alike) / len(alike)):.2f}"]


def gains(cells: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
    """Lay out each corpus's differences, each with the least that could have been found."""
    strategies = by_strategy(cells)
    rows: dict[tuple[str, ...], dict[str, Cell]] = {}
    for name, mine in strategies.items():
        for cell in mine:
            place = (f"{cell['corpus']}, {cell['protocol']}", f"{cell['units']} {cell['unit']}")
            rows.setdefault(place, {})[name] = cell
    lines = [
        [*place, *(told_gain(own[name], len(cells)) if name in own else "" for name in strategies)]
        for place, own in rows.items()
    ]
    return ["corpus", "drawn", *strategies], lines


def told_gain(cell: Cell, tests: int) -> str:
    low, high = cell["difference_low"], cell["difference_high"]
    least = detectable_difference(low, high, cell["units"], tests=tests, alpha=ALPHA)
    return f"{cell['difference']:+.3f} [{low:+.2f}, {high:+.2f}] / {'-' if least is None else f'{least:.3f}'}"


if __name__ == "__main__":
    main()
