"""Trained weights on disk: safetensors with a header that says what they belong to. No pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from emonet_bench.config import parse
from emonet_bench.errors import ConfigError
from emonet_bench.networks import Classifier, corpus_of, without_corpus
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.store import CHECKPOINT, read_record
from emonet_bench.types import InputSpec, TrainingSet

SHARED = "shared.safetensors"
"""What several corpora share, in the directory of their run."""

_KEY = "emonet_bench"


@dataclass(frozen=True)
class Checkpoint:
    """Trained weights.

    Attributes:
        tensors: The classifier's ``state_dict``; the architecture's own tensors are named ``network.*``.
        header: ``architecture``, ``architecture_options``, ``strategy``, ``strategy_options``, ``signal``, ``corpora``
            (labels of each), ``evaluation``, ``run_id``.
    """

    tensors: Mapping[str, Tensor]
    header: Mapping[str, Any]

    @property
    def branches(self) -> list[str]:
        """The corpora that have parts of the network for themselves."""
        owners = {corpus_of(name) for name in self.tensors if name.startswith("network.")}
        return [corpus for corpus in self.header["corpora"] if corpus in owners]

    def network(self, corpus: str | None = None) -> dict[str, Tensor]:
        """Return the architecture's own tensors, under the names they have in it.

        Of parts that each corpus has for itself (batch norms, pooling, adapters), those of one: the first by default.
        """
        wanted = (None, corpus or next(iter(self.header["corpora"]), None))
        return {
            without_corpus(name).removeprefix("network."): tensor
            for name, tensor in self.tensors.items()
            if name.startswith("network.") and corpus_of(name) in wanted
        }


def save(classifier: Classifier, path: Path, header: Mapping[str, Any]) -> None:
    """Write a classifier's weights and buffers."""
    _save(classifier.state_dict(), path, header)


def save_parts(classifier: Classifier, directory: Path, header: Mapping[str, Any]) -> None:
    """Write what is shared by all corpora to one file, and what each has for itself to one of its own.

    A corpus's file, read by ``load``, is its whole classifier: the shared file must lie beside it.
    """
    owned: dict[str | None, dict[str, Tensor]] = {}
    for name, tensor in classifier.state_dict().items():
        owned.setdefault(corpus_of(name), {})[name] = tensor
    _save(owned.get(None, {}), directory / SHARED, {**header, "corpora": {}})
    for corpus, labels in header["corpora"].items():
        own = {**header, "corpora": {corpus: labels}, "shared": SHARED}
        _save(owned.get(corpus, {}), directory / part(corpus), own)


def part(corpus: str) -> str:
    """Name the file of one corpus of a joint run.

    >>> part("emodb")
    'model-emodb.safetensors'
    """
    return f"model-{corpus}.safetensors"


def _save(tensors: Mapping[str, Tensor], path: Path, header: Mapping[str, Any]) -> None:
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(stored, path, metadata={_KEY: json.dumps(header, sort_keys=True)})


def load(path: Path, load_external: Callable[[Path], Checkpoint] | None = None) -> Checkpoint:
    """Read a checkpoint, given as its file or as the directory of a run.

    Args:
        path: Where it is.
        load_external: Reads a file that is no safetensors, see ``Architecture``.

    Raises:
        ConfigError: It is missing, damaged or not ours.
    """
    file = path / CHECKPOINT if path.is_dir() else path
    if load_external is not None and file.suffix != Path(CHECKPOINT).suffix:
        return load_external(file)
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
    found = json.loads(header)
    if "shared" in found:
        tensors.update(load(file.with_name(found["shared"])).tensors)
    return Checkpoint(tensors, found)


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
    if "evaluate" in record["spec"]:
        raise ConfigError(f"{directory}: holds scores only; the network is that of run {record['spec']['source'][:8]}")
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
    network = architecture.build(options, InputSpec(**header["signal"]))
    plan = strategy.prepare(
        network,
        training_sets(header["corpora"]),
        None,
        parse(strategy.options, header["strategy_options"], "checkpoint"),
    )
    plan.classifier.load_state_dict(dict(checkpoint.tensors))
    return plan.classifier


def training_sets(corpora: Mapping[str, Sequence[str]]) -> list[TrainingSet]:
    """Describe corpora from a header, where the number of clips no longer matters."""
    return [TrainingSet(corpus, tuple(labels), 0) for corpus, labels in corpora.items()]
