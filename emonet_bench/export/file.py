"""Writing the file, if it passes the gate, and the model card beside it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emonet_bench.batches import Clips
from emonet_bench.errors import ExportError
from emonet_bench.export.card import Interval, metadata_of, model_card
from emonet_bench.export.gate import EXAMPLE, Parity, check_score, clips, first_line, hold, score_onnx
from emonet_bench.export.graph import OPSET, Deployed, freeze, trace
from emonet_bench.networks import Classifier
from emonet_bench.statistics import interval
from emonet_bench.types import Signal


def export(
    classifier: Classifier,
    corpus: str,
    path: Path,
    signal: Signal,
    metadata: Mapping[str, str],
    test: Clips | None = None,
) -> Parity:
    """Write one self-describing ONNX file, if onnxruntime and the trained classifier agree on it.

    Inputs are ``waveform`` float32 (batch, samples) and ``lengths`` int64 (batch); outputs ``probabilities``,
    ``logits`` and ``embedding``.

    Args:
        classifier: The trained classifier; left as it is.
        corpus: Whose branches to export.
        path: The file; it appears only when the gate is passed.
        signal: What evaluation hears: its window is cut from each clip's centre, inside the graph.
        metadata: Goes into the file, see ``metadata_of``.
        test: The test partition. Its UAR through onnxruntime is recorded, and must be the metadata's ``uar`` within a
            clip.

    Raises:
        ExportError: The network cannot be exported, or its file does not agree with it.
    """
    import onnx  # noqa: PLC0415 - slow, and needed only here

    try:
        traced = trace(Deployed(freeze(classifier, corpus).cpu(), signal), *clips(EXAMPLE, signal))
    except Exception as error:  # whatever a network or the exporter does not like
        raise ExportError(f"{path}: not written: the network cannot be exported ({first_line(error)})") from error
    model = onnx.load_model_from_string(traced)
    model.graph.output[-1].type.tensor_type.shape.dim[1].dim_value = classifier.network.dim  # tracing lost it
    try:
        parity = Parity(
            hold(traced, classifier, corpus, signal), len(model.graph.node), OPSET, _score(traced, metadata, test)
        )
    except ExportError as error:
        raise ExportError(f"{path}: not written: {error}") from error
    onnx.helper.set_model_props(model, {**metadata, **parity.metadata()})
    _write(path, model.SerializeToString())
    return parity


def export_run(
    directory: Path,
    classifier: Classifier,
    record: Mapping[str, Any],
    path: Path,
    signal: Signal,
    test: Clips | None = None,
) -> Parity:
    """Export a run's classifier with everything that the run tells, and write a model card beside it.

    Args:
        directory: The run's directory; its ``predictions.csv`` gives the interval of the test UAR.
        classifier: The trained classifier.
        record: Content of the run's ``result.json``; of a joint run: what ``for_corpus`` makes of it.
        path: The file; the card takes its name with the suffix ``.md``.
        signal: As in ``export``.
        test: As in ``export``.

    Raises:
        ExportError: As ``export`` does.
    """
    corpus = record["spec"]["corpus"]
    metadata = metadata_of(record, _interval(directory, corpus, record["labels"]))
    parity = export(classifier, corpus, path, signal, metadata, test)
    _write(path.with_suffix(".md"), model_card({**metadata, **parity.metadata()}, record, path.name).encode())
    return parity


def _score(model: bytes, metadata: Mapping[str, str], test: Clips | None) -> float | None:
    if test is None:
        return None
    uar = score_onnx(model, test)
    if metadata.get("uar"):
        check_score(uar, float(metadata["uar"]), test)
    return uar


def _interval(directory: Path, corpus: str, labels: Sequence[str]) -> Interval:
    joint = directory / f"predictions-{corpus}.csv"
    file = joint if joint.exists() else directory / "predictions.csv"
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["partition"] == "test"]
    except OSError as error:
        raise ExportError(f"{file}: cannot be read ({error.strerror}); run the matrix again") from error
    truth, prediction, speakers = ([row[name] for row in rows] for name in ("truth", "prediction", "speaker"))
    found = interval(truth, prediction, labels, [speaker or None for speaker in speakers])
    return found.low, found.high


def _write(path: Path, content: bytes) -> None:
    """Write aside, then rename: a file of that name is whole."""
    aside = path.with_name(path.name + ".part")
    try:
        aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        raise ExportError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
