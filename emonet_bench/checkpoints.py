"""Trained weights on disk: safetensors with a header that says what they belong to. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from emonet_bench.config import parse
from emonet_bench.errors import ConfigError
from emonet_bench.networks import Classifier
from emonet_bench.plugins import Plugins
from emonet_bench.store import CHECKPOINT, read_record
from emonet_bench.types import Signal, TrainingSet

_KEY = "emonet_bench"


@dataclass(frozen=True)
class Checkpoint:
    """Trained weights.

    Attributes:
        tensors: The classifier's ``state_dict``; the architecture's own tensors are named ``network.*``.
        header: ``architecture``, ``architecture_options``, ``strategy``, ``strategy_options``, ``signal``, ``corpora``
            (labels of each), ``run_id``.
    """

    tensors: Mapping[str, Tensor]
    header: Mapping[str, Any]

    def network(self) -> dict[str, Tensor]:
        """Return the architecture's own tensors, under the names they have in it."""
        return {name.removeprefix("network."): t for name, t in self.tensors.items() if name.startswith("network.")}


def save(classifier: Classifier, path: Path, header: Mapping[str, Any]) -> None:
    """Write a classifier's weights and buffers."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in classifier.state_dict().items()}
    save_file(tensors, path, metadata={_KEY: json.dumps(header, sort_keys=True)})


def load(path: Path) -> Checkpoint:
    """Read a checkpoint, given as its file or as the directory of a run.

    Raises:
        ConfigError: It is missing, damaged or not ours.
    """
    file = path / CHECKPOINT if path.is_dir() else path
    try:
        with safe_open(file, framework="pt") as opened:
            header = (opened.metadata() or {}).get(_KEY)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"{file}: not a readable checkpoint ({error}); give a run's directory or its {CHECKPOINT}"
        ) from error
    if header is None:
        raise ConfigError(f"{file}: holds no emonet-bench header; give a run's directory or its {CHECKPOINT}")
    return Checkpoint(tensors, json.loads(header))


def restore(directory: Path, plugins: Plugins) -> tuple[Classifier, dict[str, Any]]:
    """Rebuild the trained classifier of a run.

    Args:
        directory: The run's directory.
        plugins: Where its architecture and strategy are registered.

    Returns:
        The classifier in evaluation mode, and the run's record.

    Raises:
        ConfigError: The run failed, kept no weights, or its plugin is missing.
    """
    record = read_record(directory)
    if "scores" not in record:
        raise ConfigError(f"{directory}: this run failed; run the matrix again with --retry-failed")
    checkpoint = load(directory)
    classifier = rebuild(checkpoint, plugins)
    classifier.select(record["spec"]["corpus"])
    return classifier.eval(), record


def rebuild(checkpoint: Checkpoint, plugins: Plugins) -> Classifier:
    """Build the classifier that a checkpoint belongs to and load its weights."""
    header = checkpoint.header
    architecture = plugins.architectures[header["architecture"]]
    strategy = plugins.strategies[header["strategy"]]
    options = parse(architecture.options, header["architecture_options"], "checkpoint")
    network = architecture.build(options, Signal(**header["signal"]))
    plan = strategy.prepare(
        network,
        training_sets(header["corpora"]),
        None,
        parse(strategy.options, header["strategy_options"], "checkpoint"),
    )
    plan.classifier.load_state_dict(dict(checkpoint.tensors))
    return plan.classifier  # type: ignore[no-any-return]


def training_sets(corpora: Mapping[str, Sequence[str]]) -> list[TrainingSet]:
    """Describe corpora from a header, where the number of clips no longer matters."""
    return [TrainingSet(corpus, tuple(labels), 0) for corpus, labels in corpora.items()]
