"""Training of a task, the working part of ``single-task`` and ``multi-task``: plan it, run it, print its table."""

from __future__ import annotations

import re

from rich.console import Console

from emonet_bench.cli.matrix import work
from emonet_bench.cli.reading import Reading
from emonet_bench.errors import ConfigError
from emonet_bench.matrix.options import RunOptions
from emonet_bench.matrix.task import Task, plan_task
from emonet_bench.plugins.loading import Plugins


def carry_out(task: Task, plugins: Plugins, options: RunOptions, console: Console) -> bool:
    """Run a task in the way of a matrix, and print its table.

    Returns:
        Whether it has finished; the reason why not has been printed.

    Raises:
        ConfigError: The options do not go together.
    """
    name = task.strategy.name
    if task.source and not task.strategy.needs_source:
        raise ConfigError(f"-im {task.source}: {name} starts from random weights; choose another -m, or drop -im")
    if task.strategy.needs_source and not task.source:
        raise ConfigError(f"-m {name} starts from a trained network: name its run or its weights with -im")
    try:
        with Reading(console) as reading:
            planned = plan_task(task, plugins, reading)
    except ConfigError as error:
        raise ConfigError(re.sub("^source (?=.)", "-im ", str(error))) from error
    outcome = work(planned, options, console)
    return bool(outcome.finished_cells)
