"""The task, in EmoNet's sense: one cell, on corpora given as tables, with the options of a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emonet_bench.config import Options, Training, parse
from emonet_bench.errors import ConfigError, Skipped
from emonet_bench.matrix.planning.plan import PlannedMatrix, matrix_source, plan
from emonet_bench.matrix.resources import resolve
from emonet_bench.plugins.loading import Plugins
from emonet_bench.training import checkpoints
from emonet_bench.training.checkpoints import Checkpoint
from emonet_bench.training.optimisers import stages
from emonet_bench.training.prediction import training_window
from emonet_bench.types import Architecture, Corpus, InputSpec, Strategy, TrainingSet


@dataclass(frozen=True)
class Task:
    """What is to be trained, on what and how.

    Attributes:
        architecture: What is trained.
        strategy: How.
        corpora: On what; several are trained in turn.
        recipe: Training options where nothing else is given.
        given: Options that the user has given for ``training``, the architecture and the strategy, by their names.
        source: The trained network to start from.
        seed: Of everything random.
        threads: Threads that read audio.
    """

    architecture: Architecture
    strategy: Strategy
    corpora: tuple[Corpus, ...]
    recipe: Mapping[str, Any]
    given: Mapping[str, Mapping[str, Any]]
    source: Path | None
    seed: int
    threads: int

    def training(self) -> dict[str, Any]:
        """Return the options of the training; with a window, evaluation hears the centre one."""
        values = {**self.recipe, **self.given.get("training", {})}
        return {"evaluation": "centre" if values["window"] else "whole", **values}

    def matrix(self, training: Training, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a matrix file would say.

        Args:
            training: The training.
            options: The options of architecture and strategy, by name.
        """
        recipe = training.model_dump()
        tables = {kind: {recipe[kind]: recipe.pop(f"{kind}_options", {})} for kind in ("loss", "optimizer")}
        tables["augmentation"] = recipe.pop("augmentation_options", {})
        return {
            "corpora": [corpus.name for corpus in self.corpora],
            "architectures": [self.architecture.name],
            "strategies": [self.strategy.name],
            "seeds": [self.seed],
            "training": recipe,
            "options": options,
            **tables,
            **({"source": str(self.source.resolve())} if self.source else {}),
        }

    def options(self, source: Checkpoint | None) -> dict[str, dict[str, Any]]:
        """Return the options of architecture and strategy, by name; those of the architecture are its source's."""
        model = self.architecture.options
        inherited = _of(model, source.header["architecture_options"]) if source else {}
        return {
            self.architecture.name: {**inherited, **self.given.get(self.architecture.name, {})},
            self.strategy.name: dict(self.given.get(self.strategy.name, {})),
        }


def plan_task(
    task: Task, plugins: Plugins, reading: Callable[[str, int, int], None] = lambda *_: None
) -> PlannedMatrix:
    """Plan a task as a matrix of one cell. Options that do not go together are found before any audio is read.

    Args:
        task: The task.
        plugins: Where its names are registered; its corpora join them.
        reading: As in ``plan``.

    Raises:
        ConfigError: The options do not go together.
    """
    source = _source(task)
    training, options = parse(Training, task.training(), "training"), task.options(source)
    if task.architecture.fit is None:
        _rehearse(task, source, resolve(training), options)
    plugins.add_corpora(task.corpora)
    planned = plan(matrix_source(task.matrix(training, options)), plugins, threads=task.threads, reading=reading)
    (cell,) = (cell for cell in planned.cells if cell.wanted)  # its teacher beside it, where it has one
    if cell.skip:
        raise ConfigError(cell.skip)
    return planned


def _of(model: type[Options], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some values that a model has a field for."""
    return {name: values[name] for name in model.model_fields if name in values}


def _source(task: Task) -> Checkpoint | None:
    if not task.source:
        return None
    source = checkpoints.load(task.source, task.architecture.load_external)
    if source.header["architecture"] != task.architecture.name:
        trained = source.header["architecture"]
        raise ConfigError(f"source {task.source}: it is a {trained}, not a {task.architecture.name}")
    return source


def _rehearse(task: Task, source: Checkpoint | None, training: Training, options: Mapping[str, Any]) -> None:
    """Build what the worker will train."""
    architecture, strategy = task.architecture, task.strategy
    stages(training, len(task.corpora))
    input_spec = InputSpec(training.sampling_rate, training_window(training))
    sets = [TrainingSet(corpus.name, corpus.labels, corpus.clips or 0) for corpus in task.corpora]
    network = architecture.build(parse(architecture.options, options[architecture.name], architecture.name), input_spec)
    try:
        strategy.prepare(network, sets, source, parse(strategy.options, options[strategy.name], strategy.name))
    except (ConfigError, Skipped) as error:
        place = f"source {task.source}" if task.source else strategy.name
        raise ConfigError(f"{place}: {str(error).removeprefix('source: ')}") from error
