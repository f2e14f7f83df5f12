"""The gate of an export: onnxruntime against the trained classifier, at sizes that tracing never saw."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emonet_bench.data.dataset import Clips
from emonet_bench.errors import ExportError
from emonet_bench.export.graph import output_names
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.metrics.targets import target_scores
from emonet_bench.networks import Classifier
from emonet_bench.networks.outputs import activate
from emonet_bench.networks.windowing import aggregate_windows
from emonet_bench.types import InputSpec, Target

TOLERANCE = 1e-4
"""Largest difference of a logit that is allowed between the file and the trained classifier, float32.

It holds for probabilities, too, and for embeddings as a share of their largest value, where that is above 1.
"""

EXAMPLE = (1.37, 0.83)
"""Seconds of the clips that are traced."""

Feed = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.floating[Any]]

# Seconds of the clips in each batch; 0 stands for a single sample. None is the example's.
_BATCHES: tuple[tuple[float, ...], ...] = (
    (0.0,),
    (60.0,),
    (0.31, 0.0, 2.7),
    (0.001, 4.9, 0.02, 1.0, 0.064, 3.3, 0.5, 1.9),
)


@dataclass(frozen=True)
class Parity:
    """What the gate found.

    Attributes:
        max_delta: Largest difference of a logit between onnxruntime and the trained classifier in torch.
        node_count: Nodes of the graph.
        opset: Version of the ONNX operators.
        uar: UAR of the test partition through onnxruntime, where clips were given and their target is the label.
        score: Of another target the metric that selects on dev, likewise.
    """

    max_delta: float
    node_count: int
    opset: int
    uar: float | None = None
    score: float | None = None

    def metadata(self) -> dict[str, str]:
        """Return what the file says of this."""
        score = {} if self.score is None else {"score_onnx": repr(self.score)}
        return {
            "parity_max_delta": f"{self.max_delta:.3g}",
            "uar_onnx": "" if self.uar is None else repr(self.uar),
            **score,
        }


def check_parity(
    model: bytes,
    classifier: Classifier,
    corpus: str,
    input_spec: InputSpec,
    task: int | None = None,
    *,
    single: bool = False,
    target: Target | None = None,
) -> float:
    """Hold padded batches in onnxruntime against each clip alone in torch, unfolded.

    Torch computes in float64: in float32 it is often further from the truth than onnxruntime is.

    Args:
        model: The ONNX model, serialised.
        classifier: What it was made from.
        corpus: For which corpus.
        input_spec: What is heard of each clip.
        task: Which of a bank's tasks that is.
        single: Whether the model takes no lengths: each clip is then given alone.
        target: What it predicts; None: one of its labels.

    Returns:
        The largest difference of a logit.

    Raises:
        ExportError: It is larger than ``TOLERANCE``, another output is too far off, or a size cannot be run at all.
    """
    reference = copy.deepcopy(classifier).cpu().double().eval()
    reference.select(corpus)
    session = opened(model, torch.get_num_threads())  # the cell's own share of the machine
    deltas = []
    batches = extremes(input_spec)
    for waveform, lengths in one_by_one(batches) if single else batches:
        where = f"at batch {len(lengths)} with {lengths.tolist()} samples"
        try:
            alone = [_alone(reference, row[:n], input_spec) for row, n in zip(waveform, lengths, strict=True)]
        except RuntimeError as error:
            raise ExportError(f"{where} the trained network cannot be run in float64 ({first_line(error)})") from error
        try:
            found = run(session, output_names(target), feed(waveform, None if single else lengths, task))
            deltas.append(_compare(found, [np.stack(rows) for rows in zip(*alone, strict=True)], task, target))
        except ExportError as error:
            raise ExportError(f"{where} {error}") from error
    return max(deltas)


def one_by_one(batches: Iterator[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each clip of some batches alone, as (1, S) and its length (1,)."""
    for waveform, lengths in batches:
        for row, length in zip(waveform, lengths, strict=True):
            yield row[None, :length], length[None]


def _compare(found: Sequence[Floats], expected: Sequence[Floats], task: int | None, target: Target | None) -> float:
    """Hold predictions, logits and embeddings against expected embeddings (N, D) and logits (N, K)."""
    (predictions, logits, embedding), (deep, own) = found, expected
    following = activate(torch.from_numpy(logits).double(), target).numpy()
    if task is not None and np.isneginf(logits[:, own.shape[1] :]).all():  # labels of other tasks
        logits = logits[:, : own.shape[1]]
    delta = _difference("a logit", logits, own)
    what = "a value" if target and target.kind == "values" else "a probability"
    _difference(what, predictions, following, max(1.0, np.abs(following).max()))
    _difference("a value of an embedding", embedding, deep, max(1.0, np.abs(deep).max()))
    return delta


def _difference(what: str, found: Floats, expected: Floats, scale: float = 1.0) -> float:
    delta = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
    if not delta <= scale * TOLERANCE:  # NaN, too
        raise ExportError(f"{what} is {delta:.3g} from the trained network's; at most {scale * TOLERANCE:g} is allowed")
    return delta


def score_onnx(model: Path | bytes, clips: Clips, batch_size: int = 8, task: int | None = None) -> float:
    """Return a file's score on a partition, through onnxruntime on CPU: of labels the UAR, else what selects on dev.

    Args:
        model: The file, or its content.
        clips: The partition; its labels are the file's.
        batch_size: Clips in a batch.
        task: Which of a bank's tasks that is.

    Raises:
        ExportError: onnxruntime cannot load or run it.
    """
    if clips.target is not None and clips.kind != "label":
        logits = torch.from_numpy(_logits(model, clips, batch_size, task))
        return next(iter(target_scores(clips.target, clips.truth(), activate(logits, clips.target)).values()))
    truth = [clips.labels[target] for target in clips.targets.tolist()]
    return unweighted_average_recall(truth, predict_onnx(model, clips, batch_size, task), clips.labels)


def predict_onnx(model: Path | bytes, clips: Clips, batch_size: int = 8, task: int | None = None) -> list[str]:
    """Return the label that a file gives each clip of a partition; arguments and errors as of ``score_onnx``."""
    return [clips.labels[index] for index in _logits(model, clips, batch_size, task).argmax(-1)]


def _logits(model: Path | bytes, clips: Clips, batch_size: int, task: int | None) -> npt.NDArray[np.float32]:
    """Return the logits (N, K) that a file gives clips; those of a bank are as wide as its largest task."""
    session = opened(model, torch.get_num_threads())
    masked = takes_lengths(session)
    rows = np.zeros((len(clips), len(clips.labels)), np.float32)
    for batch in clips.in_order(batch_size if masked else 1):
        lengths = clips.lengths[batch.index] if batch.lengths is None else batch.lengths
        (logits,) = run(session, ["logits"], feed(batch.waveform, lengths if masked else None, task))
        rows[batch.index.cpu().numpy()] = logits[:, : len(clips.labels)]
    return rows


def check_score(score: float, expected: float, test: Clips) -> None:
    """Let one clip flip between devices and precisions, but no more.

    Args:
        score: What ``score_onnx`` gave.
        expected: What the run says.
        test: The clips.

    Raises:
        ExportError: The score is another one.
    """
    what, room = ("UAR", 1.001 * one_clip(test)) if test.kind == "label" else ("score", 0.0)
    if abs(score - expected) > max(0.01, room):
        raise ExportError(f"its test {what} through onnxruntime is {score:.3f}, but the run's is {expected:.3f}")


def one_clip(test: Clips) -> float:
    """Return by how much the UAR changes with one clip of the rarest label."""
    rarest = int(min(count for count in test.targets.bincount().tolist() if count))
    return 1 / (rarest * len(test.labels))


def extremes(input_spec: InputSpec) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches (N, S) and their valid samples (N,) of every size that matters."""
    return (clips(seconds, input_spec) for seconds in _BATCHES)


def clips(seconds: Sequence[float], input_spec: InputSpec) -> tuple[Tensor, Tensor]:
    """Make clips of noise, each with a silent stretch, and loud noise behind their ends, which no network may hear.

    Args:
        seconds: Of each of the N clips; every one gets a sample at least.
        input_spec: Its sampling rate.

    Returns:
        Waveforms (N, S) and their valid samples (N,).
    """
    samples = [max(1, round(second * input_spec.sampling_rate)) for second in seconds]
    waveform = 0.1 * torch.randn(len(samples), max(samples), generator=torch.Generator().manual_seed(0))
    for row, length in zip(waveform, samples, strict=True):
        row[length // 2 : length // 2 + length // 5] = 0
        row[length:] *= 5
    return waveform, torch.tensor(samples)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _alone(classifier: Classifier, clip: Tensor, input_spec: InputSpec) -> tuple[Floats, Floats]:
    """Compute embedding (D,) and logits (K,) of a clip (S,) in torch."""

    def compute(waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        embedding = classifier.network.embed(waveform, lengths)
        return embedding, classifier.heads(embedding)

    with torch.inference_mode():
        embedding, logits = aggregate_windows(compute, clip[None].double(), torch.tensor([len(clip)]), input_spec)
    return embedding[0].numpy(), logits[0].numpy()


def opened(model: Path | bytes, threads: int) -> Any:
    """Return onnxruntime's session of a file, or of its content, on CPU.

    Raises:
        ExportError: onnxruntime cannot load it.
    """
    from emonet_bench.deploy.runtime import onnxruntime  # noqa: PLC0415 - slow, and needed only here

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what fails is raised as well
    content = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no parent
        raise ExportError(f"onnxruntime cannot load it ({first_line(error)})") from error


def takes_lengths(session: Any) -> bool:
    """Tell whether a session's file takes ``lengths``; one that does not is given clips alone."""
    return "lengths" in {value.name for value in session.get_inputs()}


def feed(waveform: Tensor, lengths: Tensor | None, task: int | None = None) -> Feed:
    """Name waveforms (N, S), valid samples (N,) where they are asked for, and a bank's task as a file's inputs."""
    clips = {"waveform": waveform.cpu().numpy()}
    if lengths is not None:
        clips["lengths"] = lengths.cpu().numpy()
    return clips if task is None else {**clips, "task": np.array(task)}


def run(session: Any, outputs: Sequence[str], inputs: Feed) -> list[Floats]:
    """Run a session.

    Raises:
        ExportError: onnxruntime cannot.
    """
    try:
        found: list[Floats] = session.run(list(outputs), inputs)
    except Exception as error:  # onnxruntime's exceptions share no parent
        raise ExportError(f"onnxruntime cannot run it ({first_line(error)})") from error
    return found
