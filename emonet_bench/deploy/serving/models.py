"""Served models: files opened by name, with a bank's tasks beside each other on one session."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emonet_bench.deploy.abstention import abstain_below
from emonet_bench.deploy.model import Model, open_tasks
from emonet_bench.deploy.serving.errors import RequestError
from emonet_bench.errors import ConfigError

if TYPE_CHECKING:
    from emonet_bench.deploy.providers import Providers


@dataclass(frozen=True)
class ServedModel:
    """A file under its name.

    Attributes:
        name: The file's, without the suffix.
        tasks: A model for each task of a bank; of any other file one, under None.
        threshold: Probability below which a label is ``uncertain``; None: labels are always named.
    """

    name: str
    tasks: Mapping[str | None, Model]
    threshold: float | None = None

    @property
    def model(self) -> Model:
        """The only model, or that of the first task: session, metadata and rate are the same for all."""
        return next(iter(self.tasks.values()))

    def task(self, name: str | None) -> Model:
        """Choose a task.

        Raises:
            RequestError: There is none of that name, or one must be named.
        """
        if name in self.tasks:
            return self.tasks[name]
        if None in self.tasks:
            raise RequestError(400, f"task: {self.name} holds a single one; leave it out")
        raise RequestError(400, f"task: {self.name} holds several; give one of {', '.join(map(str, self.tasks))}")

    def facts(self, task: str | None = None) -> Mapping[str, Any]:
        """Tell what a model is, and what it was trained and scored on."""
        return self._facts[task]

    @cached_property
    def _facts(self) -> dict[str | None, dict[str, Any]]:
        """All that is said of the file and of each task: every answer repeats some of it."""
        return {task: self._read_facts(task) for task in {None, *self.tasks}}

    def _read_facts(self, task: str | None) -> dict[str, Any]:
        model = self.tasks.get(task, self.model)
        said = {name: _fact(name, model.metadata.get(name, ""), task) for name in _FACTS}
        return {
            "id": self.name,
            "object": "model",
            "tasks": [name for name in self.tasks if name is not None],
            "labels": list(model.labels)
            if task in self.tasks
            else {str(name): list(one.labels) for name, one in self.tasks.items()},
            "sampling_rate": model.sampling_rate,
            "centre_seconds": model.centre,
            **said,
        }


_FACTS = (
    "run_id", "corpus", "licence", "synthetic", "elicitation", "architecture", "strategy", "protocol", "protocol_id",
    "uar", "uar_interval", "quantisation",
)  # fmt: skip


_NUMBERS = ("synthetic", "uar", "uar_interval")  # all others are texts, such as the run id 1234567890123456


def _fact(name: str, text: str, task: str | None) -> Any:
    """Read a value of the metadata; of an object with a value for each task that task's."""
    said = _decoded(text)
    if isinstance(said, dict):
        each = {key: _value(name, one) for key, one in said.items()}
        return each if task is None else each.get(task)
    return _value(name, text)


def _value(name: str, said: Any) -> Any:
    value = _decoded(said) if name in _NUMBERS and isinstance(said, str) else said
    infinite = isinstance(value, float) and not math.isfinite(value)
    return None if value == "" or infinite else value


def _decoded(text: str) -> Any:
    """Read JSON where it is some."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def open_models(paths: Sequence[Path], providers: Providers, *, abstain: bool = False) -> dict[str, ServedModel]:
    """Open files, each under its name.

    Raises:
        ConfigError: As ``open_tasks`` does; or two have one name; or one is to abstain and says no threshold.
    """
    served: dict[str, ServedModel] = {}
    for path in paths:
        name = path.name.removesuffix(".onnx")
        if name in served:
            raise ConfigError(f"{path}: another model is called {name}, too; rename one of the files")
        opened = ServedModel(name, _tasks(path, providers))
        served[name] = replace(opened, threshold=_threshold(path, opened)) if abstain else opened
    return served


def _threshold(path: Path, served: ServedModel) -> float:
    try:
        return abstain_below(served.model.metadata)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _tasks(path: Path, providers: Providers) -> dict[str | None, Model]:
    tasks = open_tasks(path, providers)
    for model in tasks.values():
        if model.output != "probabilities":
            raise ConfigError(f"{path}: tells {model.output}, a server probabilities; use 'emonet-bench predict'")
    return tasks
