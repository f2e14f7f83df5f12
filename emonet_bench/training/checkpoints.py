"""Trained weights on disk: safetensors with a header that says what they belong to. No pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from emonet_bench.config import parse
from emonet_bench.errors import ConfigError
from emonet_bench.files import atomic_path, check_regular, child
from emonet_bench.networks import Classifier, corpus_of, without_corpus
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.facts import Labels, Name, Part, parse_json
from emonet_bench.runs.files import CHECKPOINT, RunFiles, file_hash
from emonet_bench.runs.record import RunRecord
from emonet_bench.types import InputSpec, TargetKind, TrainingSet

_KEY = "emonet_bench"

_SAME = ("run_id", "architecture", "architecture_options", "strategy", "strategy_options")
"""What a checkpoint's header and its run's record both state."""


class Header(Part):
    """What a checkpoint says of itself; see ``Checkpoint``. What else it says is kept."""

    model_config = ConfigDict(extra="allow")

    architecture: Name
    architecture_options: dict[Name, Any]
    strategy: Name
    strategy_options: dict[Name, Any]
    signal: dict[Name, int | None]
    corpora: dict[Name, Labels]
    evaluation: str | None = None
    kinds: dict[Name, TargetKind] | None = None
    run_id: str | None = None
    shared: str | None = None
    teacher: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """Trained weights.

    Attributes:
        tensors: The classifier's ``state_dict``; the architecture's own tensors are named ``network.*``.
        header: ``architecture``, ``architecture_options``, ``strategy``, ``strategy_options``, ``signal``, ``corpora``
            (labels of each), ``evaluation``, ``run_id``; ``kinds`` of those whose targets are no labels; ``teacher``
            where one taught it.
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
    files = RunFiles(directory)
    _save(owned.get(None, {}), files.shared, {**header, "corpora": {}})
    for corpus, labels in header["corpora"].items():
        own = {**header, "corpora": {corpus: labels}, "shared": files.shared.name}
        _save(owned.get(corpus, {}), files.checkpoint(corpus), own)


def _save(tensors: Mapping[str, Tensor], path: Path, header: Mapping[str, Any]) -> None:
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(stored, temporary, metadata={_KEY: json.dumps(header, sort_keys=True)})


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
    checkpoint = _read(file)
    if (shared := checkpoint.header.get("shared")) is None:
        return checkpoint
    beside = _read(child(file.parent, shared, f"{file}: shared"))
    return Checkpoint({**checkpoint.tensors, **beside.tensors}, checkpoint.header)


def _read(file: Path) -> Checkpoint:
    check_regular(file, "checkpoint")
    try:
        with safe_open(file, framework="pt") as opened:
            header = (opened.metadata() or {}).get(_KEY)
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{file}: not a readable checkpoint ({error}); give a run's directory or its {CHECKPOINT}"
        ) from error
    if header is None:
        raise ConfigError(f"{file}: holds no emonet-bench header; give a run's directory or its {CHECKPOINT}")
    try:
        found = parse_json(header)
    except ValueError as error:
        raise ConfigError(f"{file}: its emonet-bench header is damaged ({error})") from error
    return Checkpoint(tensors, parse(Header, found, f"{file}: header").model_dump(exclude_unset=True))


def restore(directory: Path, plugins: Plugins) -> tuple[Classifier, RunRecord]:
    """Rebuild the trained classifier of a run.

    Args:
        directory: The run's directory.
        plugins: Where its architecture and strategy are registered.

    Returns:
        The classifier in evaluation mode, and the run's record.

    Raises:
        ConfigError: The run failed, kept no weights or those of another run, or its plugin is missing.
    """
    record = RunFiles(directory).read_record()
    if record.failed:
        raise ConfigError(f"{directory}: this run failed; run the matrix again with --retry-failed")
    if record.spec.external is not None:
        raise ConfigError(f"{directory}: holds predictions made elsewhere; there is no network")
    if record.spec.evaluate is not None:
        source = (record.spec.source or "")[:8]
        raise ConfigError(f"{directory}: holds scores only; the network is that of run {source}")
    checkpoint = load(directory)
    written = record.files.get(CHECKPOINT, "")
    altered = [f"{CHECKPOINT}: not the file that the run wrote"] if written not in ("", file_hash(directory)) else []
    for problem in [*contradictions(checkpoint.header, record), *altered]:
        raise ConfigError(f"{directory}: {problem}; it may belong to another run, so train this one again")
    try:
        classifier = rebuild(checkpoint, plugins)
    except ConfigError as error:
        here = {origin.name for origin in plugins.working}
        lost = [f"{name} {version}" for name, version in record.plugins.items() if name not in here]
        if not lost:
            raise
        raise ConfigError(f"{directory}: {error}; it was trained beside the plugins {', '.join(lost)}") from None
    classifier.select(record.spec.corpus)
    return classifier.eval(), record


def contradictions(header: Mapping[str, Any], record: RunRecord) -> Iterator[str]:
    """Yield a line for each thing that a checkpoint's header states otherwise than the record of its run.

    Args:
        header: The header; what an older one leaves out contradicts nothing.
        record: The record: that of the run itself, or of a run that scores it on another corpus.
    """
    run_id = record.spec.source if record.spec.evaluate else record.run_id
    for name in _SAME:
        if name in header and header[name] != (run_id if name == "run_id" else getattr(record.spec, name)):
            yield f"{CHECKPOINT}: its {name} is not that of result.json"
    if record.spec.evaluate is None:
        trained = {ref.name: record.facts(ref.name).labels for ref in record.spec.trained_corpora()}
        if header["corpora"] != trained:
            yield f"{CHECKPOINT}: its corpora or their labels are not those of result.json"


def rebuild(checkpoint: Checkpoint, plugins: Plugins) -> Classifier:
    """Build the classifier that a checkpoint belongs to and load its weights.

    Raises:
        ConfigError: Its plugins are missing, or its tensors are not those of its network.
    """
    classifier = untrained(checkpoint, plugins)
    load_weights(classifier, checkpoint)
    return classifier


def untrained(checkpoint: Checkpoint, plugins: Plugins) -> Classifier:
    """Build the classifier that a checkpoint belongs to, without the checkpoint's weights.

    Raises:
        ConfigError: Its plugins are missing, or what it says of itself does not fit them.
    """
    header = checkpoint.header
    architecture = plugins.architectures[header["architecture"]]
    strategy = plugins.strategies[header["strategy"]]
    options = parse(architecture.options, header["architecture_options"], "checkpoint")
    try:
        signal = InputSpec(**header["signal"])
    except TypeError as error:
        raise ConfigError(f"checkpoint: its signal is none ({error})") from error
    network = architecture.build(options, signal)
    plan = strategy.prepare(
        network,
        training_sets(header["corpora"], header.get("kinds") or {}),
        None,
        parse(strategy.options, header["strategy_options"], "checkpoint"),
    )
    return plan.classifier


def load_weights(classifier: Classifier, checkpoint: Checkpoint) -> None:
    """Load a checkpoint's weights.

    Raises:
        ConfigError: Its tensors are not those of the classifier.
    """
    try:
        classifier.load_state_dict(dict(checkpoint.tensors))
    except RuntimeError as error:
        raise ConfigError(f"checkpoint: does not fit its network ({' '.join(str(error).split())[:300]})") from error


def training_sets(corpora: Mapping[str, Sequence[str]], kinds: Mapping[str, TargetKind]) -> list[TrainingSet]:
    """Describe corpora from a header, where the number of clips no longer matters; their targets are mostly labels."""
    return [TrainingSet(name, tuple(labels), 0, kinds.get(name, "label")) for name, labels in corpora.items()]
