"""The working part of ``single-task`` and ``multi-task``: a matrix of one cell, on corpora given as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from emonet_bench.cli.matrix import work
from emonet_bench.cli.options import chosen
from emonet_bench.cli.plan import plan, resolve
from emonet_bench.config import Training, parse
from emonet_bench.errors import ConfigError, Skipped
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.store import RunStore
from emonet_bench.training import checkpoints
from emonet_bench.training.checkpoints import Checkpoint
from emonet_bench.training.optimisers import stages
from emonet_bench.training.prediction import training_window
from emonet_bench.types import Architecture, Corpus, InputSpec, Strategy, TrainingSet


@dataclass(frozen=True)
class Task:
    """What a command line asks for.

    Attributes:
        architecture: What is trained.
        strategy: How.
        corpora: On what; several are trained in turn.
        recipe: Training options of the command.
        given: What the user has typed, by the names of options.
        source: The trained network to start from.
        results: The results directory.
        seed: Of everything random.
        threads: Threads that read audio.
        force: Whether a finished run is run again.
    """

    architecture: Architecture
    strategy: Strategy
    corpora: tuple[Corpus, ...]
    recipe: Mapping[str, Any]
    given: Mapping[str, Any]
    source: Path | None
    results: Path
    seed: int
    threads: int
    force: bool

    def training(self) -> dict[str, Any]:
        """Return the options of the training; with a window, evaluation hears the centre one."""
        values = {**self.recipe, **chosen(Training, self.given)}
        return {"evaluation": "centre" if values["window"] else "whole", **values}

    def options(self, source: Checkpoint | None) -> dict[str, dict[str, Any]]:
        """Return the options of architecture and strategy, by name."""
        model = self.architecture.options
        inherited = chosen(model, source.header["architecture_options"]) if source else {}
        return {
            self.architecture.name: {**inherited, **chosen(model, self.given)},
            self.strategy.name: chosen(self.strategy.options, self.given),
        }


def carry_out(task: Task, plugins: Plugins, console: Console) -> bool:
    """Run a task in the way of a matrix, and print its table.

    Returns:
        Whether it has finished; the reason why not has been printed.

    Raises:
        ConfigError: The options do not go together.
    """
    source = _source(task)
    training, options = task.training(), task.options(source)
    if task.architecture.fit is None:
        _rehearse(task, source, resolve(parse(Training, training, "training")), options)
    values = {
        "corpora": [corpus.name for corpus in task.corpora],
        "architectures": [task.architecture.name],
        "strategies": [task.strategy.name],
        "seeds": [task.seed],
        "training": training,
        "options": options,
        **({"source": str(task.source.resolve())} if task.source else {}),
    }
    plugins.add_corpora(task.corpora)
    planned = plan(values, task.architecture.name, plugins, console, threads=task.threads)
    (cell,) = planned.cells
    if cell.skip:
        raise ConfigError(cell.skip)
    store = RunStore(task.results)
    before = store.record(cell.spec, cell.run_id)
    failed_before = before is not None and before.failed
    settings = {"jobs": "1", "executor": "processes", "export_": False, "retry_failed": failed_before}
    work(planned, plugins.selection, {"results": task.results, "force": task.force, **settings}, console)
    record = store.record(cell.spec, cell.run_id)
    return record is not None and not record.failed


def _source(task: Task) -> Checkpoint | None:
    name = task.strategy.name
    if not task.strategy.needs_source:
        if task.source:
            raise ConfigError(f"-im {task.source}: {name} starts from random weights; choose another -m, or drop -im")
        return None
    if not task.source:
        raise ConfigError(f"-m {name} starts from a trained network: name its run or its weights with -im")
    source = checkpoints.load(task.source, task.architecture.load_external)
    if source.header["architecture"] != task.architecture.name:
        raise ConfigError(f"-im {task.source}: it is a {source.header['architecture']}, not a {task.architecture.name}")
    return source


def _rehearse(task: Task, source: Checkpoint | None, training: Training, options: Mapping[str, Any]) -> None:
    """Build what the worker will train: options that do not go together are found before any audio is read."""
    architecture, strategy = task.architecture, task.strategy
    stages(training, len(task.corpora))
    input_spec = InputSpec(training.sampling_rate, training_window(training))
    sets = [TrainingSet(corpus.name, corpus.labels, corpus.clips or 0) for corpus in task.corpora]
    network = architecture.build(parse(architecture.options, options[architecture.name], architecture.name), input_spec)
    try:
        strategy.prepare(network, sets, source, parse(strategy.options, options[strategy.name], strategy.name))
    except (ConfigError, Skipped) as error:
        place = f"-im {task.source}" if task.source else strategy.name
        raise ConfigError(f"{place}: {str(error).removeprefix('source: ')}") from error
