"""What EmoNet claims of transfer, counted in the results of a matrix such as examples/transfer.toml.

    python benchmarks/transfer/claims.py RESULTS [--baseline 'cnn scratch'] [--publish]

On how many corpora is a strategy better than training from scratch, and on how many significantly so? Differences and p
values are those of `emonet-bench report`: pooled test utterances of all folds, paired bootstrap over speakers, Holm's
correction over the whole table.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import parser, show, table

ALPHA = 0.05
CLAIMS = (
    "EmoNet's adapters, on 26 corpora: better on 21 (81 %), significantly better on 15 (58 %), "
    "significantly worse on 3 (12 %)."
)


def main() -> None:
    made = parser(__doc__)
    made.add_argument("results", type=Path)
    made.add_argument("--baseline", default="scratch", help="strategy or column to compare with [default: scratch]")
    arguments = made.parse_args()
    read = partial(report, arguments.results, arguments.baseline)
    cells = [cell for cell in json.loads(read("json"))["cells"] if cell["state"] == "done"]
    compared = [cell for cell in cells if cell["difference"] is not None]
    if not compared:
        sys.exit(f"{arguments.results}: nothing to compare with {arguments.baseline}")
    head = ["strategy", "corpora", "better", "significantly", "worse", "significantly", "mean difference of UAR"]
    parts = [CLAIMS, table(head, list(counts(compared))), read("markdown").strip()]
    show(f"Transfer, {arguments.results.name}", parts, publish=arguments.publish)


def report(results: Path, baseline: str, form: str) -> str:
    command = [sys.executable, "-m", "emonet_bench", "report", str(results), "--baseline", baseline, "--format", form]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def counts(cells: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    names = list(dict.fromkeys((cell["architecture"], cell["strategy"], cell["tag"]) for cell in cells))
    for name in names:
        mine = [cell for cell in cells if (cell["architecture"], cell["strategy"], cell["tag"]) == name]
        better = [cell for cell in mine if cell["difference"] > 0]
        worse = [cell for cell in mine if cell["difference"] < 0]
        mean = sum(cell["difference"] for cell in mine) / len(mine)
        numbers = [len(mine), len(better), significant(better), len(worse), significant(worse)]
        yield [" ".join(filter(None, name)), *map(str, numbers), f"{mean:+.3f}"]


def significant(cells: Sequence[dict[str, Any]]) -> int:
    return sum(cell["p"] is not None and cell["p"] < ALPHA for cell in cells)


if __name__ == "__main__":
    main()
