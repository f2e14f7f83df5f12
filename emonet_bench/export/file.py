"""ONNX export: the file is written if it passes the gate, its description and the model card beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.data.dataset import Clips
from emonet_bench.deploy.description import describe, description_path
from emonet_bench.deploy.metadata import target_said
from emonet_bench.errors import ExportError, StoreError
from emonet_bench.export.card import Interval, joined, metadata_of, model_card
from emonet_bench.export.gate import EXAMPLE, Parity, check_parity, check_score, clips, first_line, score_onnx
from emonet_bench.export.graph import OPSET, ExportModule, described, freeze, trace
from emonet_bench.export.multi_task import MultiTaskModule, tensors
from emonet_bench.export.multi_task_card import Size, bank_card
from emonet_bench.files import atomic_path
from emonet_bench.metrics.significance import uar_interval
from emonet_bench.networks import Classifier
from emonet_bench.runs.files import RunFiles
from emonet_bench.runs.predictions import read_predictions
from emonet_bench.runs.record import RunRecord
from emonet_bench.types import InputSpec


def export(
    classifier: Classifier,
    corpus: str,
    path: Path,
    input_spec: InputSpec,
    metadata: Mapping[str, str],
    test: Clips | None = None,
) -> Parity:
    """Write one self-describing ONNX file, if onnxruntime and the trained classifier agree on it.

    Inputs are ``waveform`` float32 (batch, samples) and ``lengths`` int64 (batch); outputs ``probabilities``
    (of a label set ``scores``, of values ``values``), ``logits`` and ``embedding``.

    Args:
        classifier: The trained classifier; left as it is.
        corpus: Whose branches to export.
        path: The file; it appears only when the gate is passed.
        input_spec: What is really heard of each clip, see ``evaluation_input``; it is cut inside the graph.
        metadata: Goes into the file, see ``metadata_of``; says what it predicts, where that is not a label.
        test: The test partition. Its UAR through onnxruntime is recorded, and must be the metadata's ``uar`` within a
            clip; of another target its ``score``.

    Raises:
        ExportError: The network cannot be exported, or its file does not agree with it.
    """
    content, parity = _gated(classifier, corpus, path, input_spec, metadata, test)
    write(path, content)
    return parity


def _gated(
    classifier: Classifier,
    corpus: str,
    path: Path,
    input_spec: InputSpec,
    metadata: Mapping[str, str],
    test: Clips | None,
) -> tuple[bytes, Parity]:
    """Return the content of a file that has passed the gate, and what was found there."""
    import onnx  # noqa: PLC0415 - slow, and needed only here

    target = target_said(metadata)
    try:
        traced = _traced(lambda: ExportModule(freeze(classifier, corpus).cpu(), input_spec, target), input_spec)
        model = described(traced, classifier.network.dim)
        delta = check_parity(traced, classifier, corpus, input_spec, target=target)
        score = _score(traced, metadata, test)
        uar, other = (score, None) if target is None else (None, score)
        parity = Parity(delta, len(model.graph.node), OPSET, uar, other)
    except ExportError as error:
        raise ExportError(f"{path}: not written: {error}") from error
    onnx.helper.set_model_props(model, {**metadata, **parity.metadata()})
    return model.SerializeToString(), parity


def export_run(
    directory: Path,
    classifier: Classifier,
    record: RunRecord,
    path: Path,
    input_spec: InputSpec,
    test: Clips | None = None,
) -> Parity:
    """Export a run's classifier with everything that the run tells, and write description and model card beside it.

    Args:
        directory: The run's directory; its ``predictions.csv`` gives the interval of the test UAR.
        classifier: The trained classifier.
        record: The run's; of a joint run: what ``RunRecord.of`` makes of it.
        path: The file; the card takes its name with the suffix ``.md``, the description with ``.json``.
        input_spec: As in ``export``.
        test: As in ``export``.

    Raises:
        ExportError: As ``export`` does; or the path does not end in ``.onnx``.
    """
    check_name(path)
    check_speakers(record)
    run = Trained(directory, classifier, record, test)
    metadata = metadata_of(record, input_spec, _interval(run))
    content, parity = _gated(classifier, run.corpus, path, input_spec, metadata, test)
    write_model(path, content, model_card({**metadata, **parity.metadata()}, record, path.name))
    return parity


@dataclass(frozen=True)
class Trained:
    """A run that joins a bank.

    Attributes:
        directory: As in ``export_run``, and so are the others.
        classifier: See there.
        record: See there.
        test: See there.
    """

    directory: Path
    classifier: Classifier
    record: RunRecord
    test: Clips | None = None

    @property
    def corpus(self) -> str:
        """The task's name."""
        return self.record.spec.corpus


def export_bank(members: Sequence[Trained], path: Path, input_spec: InputSpec) -> tuple[dict[str, Parity], list[Size]]:
    """Write several runs that share a network as one file, with a third input ``task``, description and card beside it.

    Args:
        members: The runs, one for each task.
        path: As in ``export_run``.
        input_spec: As in ``export``; every member's.

    Returns:
        What the gate found of each task; and the sizes of one model, of one for each task, and of the bank.

    Raises:
        ExportError: The runs share no network, a task fails the gate, or the path does not end in ``.onnx``.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    check_name(path)
    if other := next((one.corpus for one in members if one.record.target is not None), None):
        raise ExportError(f"--bank: {other} has a target that is no label; export it as a file of its own")
    for one in members:
        check_speakers(one.record)
    metadata = {one.corpus: metadata_of(one.record, input_spec, _interval(one)) for one in members}
    bank = MultiTaskModule([(one.corpus, one.classifier) for one in members], input_spec)
    parities: dict[str, Parity] = {}
    try:
        traced = _traced(lambda: bank, input_spec, torch.tensor(0))
        model = described(traced, members[0].classifier.network.dim)
        for task, one in enumerate(members):
            delta = check_parity(traced, one.classifier, one.corpus, input_spec, task)
            uar = _score(traced, metadata[one.corpus], one.test, task)
            parities[one.corpus] = Parity(delta, len(model.graph.node), OPSET, uar)
            metadata[one.corpus].update(parities[one.corpus].metadata())
    except ExportError as error:
        raise ExportError(f"{path}: not written: {error}") from error
    onnx.helper.set_model_props(model, joined(metadata))
    content = model.SerializeToString()
    sizes = [*_singles(members, input_spec), Size("bank", _numbers(bank), len(content))]
    write_model(path, content, bank_card(metadata, sizes, path.name))
    return parities, sizes


def check_speakers(record: RunRecord) -> None:
    """Refuse to export a run whose features were standardised by speaker.

    Raises:
        ExportError: They were.
    """
    if normalised := [ref for ref in record.spec.trained_corpora() if ref.speaker_normalised]:
        raise ExportError(
            f"run {record.run_id}: not exported: under {normalised[0].protocol!r} a clip's features are standardised "
            "over all clips of its speaker, which a model of single clips does not know; export a run trained under "
            f"{normalised[0].split!r}, or score a speaker's clips together, as a corpus under this protocol"
        )


def check_name(path: Path) -> None:
    """Look at the name and the place of a file to be written, before any work.

    Raises:
        ExportError: It does not end in ``.onnx``, so that the model card beside it could take its place; or its folder
            does not exist.
    """
    if path.suffix.lower() != ".onnx":
        raise ExportError(f"{path}: a model's name ends in .onnx; choose such a name, its card gets the same with .md")
    if path.is_dir():
        raise ExportError(f"{path}: is a folder; choose another name")
    if not path.parent.is_dir():
        raise ExportError(f"{path}: there is no folder {path.parent}; make it first, or choose another place")


def _singles(members: Sequence[Trained], input_spec: InputSpec) -> list[Size]:
    sizes = []
    for one in members:
        deployed = ExportModule(freeze(one.classifier, one.corpus).cpu(), input_spec)
        sizes.append((_numbers(deployed), len(trace(deployed, *clips(EXAMPLE, input_spec)))))
    numbers, content = zip(*sizes, strict=True)
    return [Size("one model", *max(sizes)), Size(f"{len(members)} models", sum(numbers), sum(content))]


def _numbers(module: nn.Module) -> int:
    return sum(tensor.numel() for tensor in tensors(module).values())


def _traced(make: Callable[[], ExportModule], input_spec: InputSpec, *more: Tensor) -> bytes:
    try:
        return trace(make(), *clips(EXAMPLE, input_spec), *more)
    except Exception as error:  # whatever a network or the exporter does not like
        raise ExportError(f"the network cannot be exported ({first_line(error)})") from error


def _score(model: bytes, metadata: Mapping[str, str], test: Clips | None, task: int | None = None) -> float | None:
    if test is None:
        return None
    score = score_onnx(model, test, task=task)
    if expected := metadata.get("uar") or metadata.get("score"):
        check_score(score, float(expected), test)
    return score


def _interval(run: Trained) -> Interval | None:
    """Return the interval of the test UAR; None where the target is no label."""
    if run.record.target is not None:
        return None
    joint = RunFiles(run.directory).predictions(run.corpus)
    file = joint if joint.exists() else RunFiles(run.directory).predictions()
    try:
        rows = read_predictions(file, run.record.labels).part("test")
        if not rows.rows:
            raise ExportError(f"{file}: holds no test prediction; run the matrix again")
        found = uar_interval(rows.truth, rows.prediction, run.record.labels, rows.speakers)
    except StoreError as error:
        raise ExportError(f"{error}; run the matrix again") from error
    return found.low, found.high


def write(path: Path, content: bytes) -> None:
    """Write a file whole, or not at all.

    Raises:
        ExportError: It cannot be written.
    """
    with _written(path) as temporary:
        temporary.write_bytes(content)


def write_model(path: Path, content: bytes, card: str | None = None, more: Mapping[str, Any] | None = None) -> None:
    """Write a model, its description and its card, if any; where one cannot be written, no model appears.

    Args:
        path: The model.
        content: Of it.
        card: The card.
        more: What the description says beside what every description says.

    Raises:
        ExportError: One cannot be written.
    """
    with ExitStack() as stack:
        model = stack.enter_context(_written(path))
        model.write_bytes(content)
        beside = [(description_path(path), describe(model, path.name, more)), (path.with_suffix(".md"), card)]
        for place, text in beside:
            if text is not None:
                stack.enter_context(_written(place)).write_text(text, encoding="utf-8", newline="")


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    try:
        with atomic_path(path) as temporary:
            yield temporary
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
