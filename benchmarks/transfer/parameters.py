"""How many parameters a multi-task network has against a plain one, by the number of tasks and the adapters' rank.

    python benchmarks/transfer/parameters.py [--publish]

EmoNet's claim is 3.5 times for 26 tasks. Counted on networks that are built, five labels to a task.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from measuring import parser, show, table

from emonet_bench.matrix.cells.scoring import parameters
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import InputSpec, TrainingSet

LABELS = ("anger", "happiness", "neutral", "sadness", "surprise")
TASKS = (6, 26)
RANKS = (None, 4, 8, 16, 32)
CLASSIFIER = "FCNAttention"


def main() -> None:
    arguments = parser(__doc__).parse_args()
    plugins = Plugins()
    head = ["filters", "rank", "feature layer", *(f"{tasks} tasks, times one network" for tasks in TASKS)]
    filters = (8,) if arguments.brief else (8, 32)
    rows = [row for number in filters for row in ratios(plugins, number)]
    words = f"Parameters of a `cnn` with `classifier = {CLASSIFIER!r}` for several tasks, against one plain network."
    show("Parameters of multi-task networks", [words, table(head, rows)], publish=arguments.publish)


def ratios(plugins: Plugins, filters: int) -> list[list[str]]:
    plain = count(plugins, "scratch", 1, filters, {})
    rows = []
    for share in (False, True):
        for rank in RANKS:
            options = {"rank": rank, "share_feature_layer": share}
            times = [count(plugins, "multi-task", tasks, filters, options) / plain for tasks in TASKS]
            own = "shared" if share else "of each task"
            rows.append([str(filters), str(rank or "full"), own, *(f"{ratio:.2f}" for ratio in times)])
    return rows


def count(plugins: Plugins, strategy: str, tasks: int, filters: int, options: dict[str, Any]) -> int:
    architecture, chosen = plugins.architectures["cnn"], plugins.strategies[strategy]
    network = architecture.build(
        architecture.options(classifier=CLASSIFIER, number_of_filters=filters), InputSpec(16_000, 48_000)
    )
    sets = [TrainingSet(f"task{number}", LABELS, 100) for number in range(tasks)]
    return parameters(chosen.prepare(network, sets, None, chosen.options(**options))).total


if __name__ == "__main__":
    main()
