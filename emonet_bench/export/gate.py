"""The gate of an export: onnxruntime against the trained classifier, at sizes that tracing never saw."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from emonet_bench.batches import Clips
from emonet_bench.errors import ExportError
from emonet_bench.hearing import heard
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.networks import Classifier
from emonet_bench.types import Signal

TOLERANCE = 1e-4
"""Largest difference of a logit that is allowed between the file and the trained classifier, float32."""

EXAMPLE = (1.37, 0.83)
"""Seconds of the clips that are traced."""

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
        uar: UAR of the test partition through onnxruntime, where clips were given.
    """

    max_delta: float
    node_count: int
    opset: int
    uar: float | None = None

    def metadata(self) -> dict[str, str]:
        """Return what the file says of this."""
        return {
            "parity_max_delta": f"{self.max_delta:.3g}",
            "uar_onnx": "" if self.uar is None else repr(self.uar),
        }


def hold(model: bytes, classifier: Classifier, corpus: str, signal: Signal, task: int | None = None) -> float:
    """Hold padded batches in onnxruntime against each clip alone in torch, unfolded.

    Torch computes in float64: in float32 it is often further from the truth than onnxruntime is.

    Args:
        model: The ONNX model, serialised.
        classifier: What it was made from.
        corpus: For which corpus.
        signal: What is heard of each clip.
        task: Which of a bank's tasks that is.

    Returns:
        The largest difference of a logit.

    Raises:
        ExportError: It is larger than ``TOLERANCE``, or a size cannot be run at all.
    """
    reference = copy.deepcopy(classifier).cpu().double().eval()
    reference.select(corpus)
    run = _session(model, task)
    deltas = []
    for waveform, lengths in extremes(signal):
        where = f"at batch {len(lengths)} with {lengths.tolist()} samples"
        try:
            expected = np.stack([_alone(reference, row[:n], signal) for row, n in zip(waveform, lengths, strict=True)])
        except RuntimeError as error:
            raise ExportError(f"{where} the trained network cannot be run in float64 ({first_line(error)})") from error
        try:
            logits = run(waveform, lengths)
        except Exception as error:  # onnxruntime's exceptions share no parent
            raise ExportError(f"{where} onnxruntime cannot run it ({first_line(error)})") from error
        if task is not None and np.isneginf(logits[:, expected.shape[1] :]).all():  # labels of other tasks
            logits = logits[:, : expected.shape[1]]
        delta = float(np.abs(logits - expected).max()) if logits.shape == expected.shape else float("inf")
        if not delta <= TOLERANCE:  # NaN, too
            raise ExportError(
                f"{where} a logit is {delta:.3g} from the trained network's; at most {TOLERANCE:g} is allowed"
            )
        deltas.append(delta)
    return max(deltas)


def score_onnx(model: Path | bytes, clips: Clips, batch_size: int = 8, task: int | None = None) -> float:
    """Return a file's UAR on a partition, through onnxruntime on CPU.

    Args:
        model: The file, or its content.
        clips: The partition; its labels are the file's.
        batch_size: Clips in a batch.
        task: Which of a bank's tasks that is.
    """
    run = _session(model, task)
    prediction = np.zeros(len(clips), np.int64)
    for batch in clips.in_order(batch_size):
        lengths = clips.lengths[batch.index] if batch.lengths is None else batch.lengths
        prediction[batch.index.cpu().numpy()] = run(batch.waveform, lengths).argmax(-1)
    truth = [clips.labels[target] for target in clips.targets.tolist()]
    return unweighted_average_recall(truth, [clips.labels[index] for index in prediction], clips.labels)


def check_score(uar: float, expected: float, test: Clips) -> None:
    """Let one clip flip between devices and precisions, but no more.

    Raises:
        ExportError: The UAR is another one.
    """
    if abs(uar - expected) > max(0.01, 1.001 * one_clip(test)):
        raise ExportError(f"its test UAR through onnxruntime is {uar:.3f}, but the run's is {expected:.3f}")


def one_clip(test: Clips) -> float:
    """Return by how much the UAR changes with one clip of the rarest label."""
    rarest = int(min(count for count in test.targets.bincount().tolist() if count))
    return 1 / (rarest * len(test.labels))


def extremes(signal: Signal) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches (N, S) and their valid samples (N,) of every size that matters."""
    return (clips(seconds, signal) for seconds in _BATCHES)


def clips(seconds: Sequence[float], signal: Signal) -> tuple[Tensor, Tensor]:
    """Make clips of noise, each with a silent stretch, and loud noise behind their ends, which no network may hear.

    Args:
        seconds: Of each of the N clips; every one gets a sample at least.
        signal: Its sampling rate.

    Returns:
        Waveforms (N, S) and their valid samples (N,).
    """
    samples = [max(1, round(second * signal.sampling_rate)) for second in seconds]
    waveform = 0.1 * torch.randn(len(samples), max(samples), generator=torch.Generator().manual_seed(0))
    for row, length in zip(waveform, samples, strict=True):
        row[length // 2 : length // 2 + length // 5] = 0
        row[length:] *= 5
    return waveform, torch.tensor(samples)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _alone(classifier: Classifier, clip: Tensor, signal: Signal) -> npt.NDArray[np.float64]:
    with torch.inference_mode():
        (logits,) = heard(lambda *heard: (classifier(*heard),), clip[None].double(), torch.tensor([len(clip)]), signal)
    return logits[0].numpy()


def opened(model: Path | bytes, threads: int) -> Any:
    """Return onnxruntime's session of a file, or of its content, on CPU.

    Raises:
        ExportError: onnxruntime cannot load it.
    """
    import onnxruntime  # noqa: PLC0415 - slow, and needed only here

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what fails is raised as well
    content = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no parent
        raise ExportError(f"onnxruntime cannot load it ({first_line(error)})") from error


def _session(model: Path | bytes, task: int | None = None) -> Callable[[Tensor, Tensor], npt.NDArray[np.float32]]:
    """Return a function from waveforms (N, S) and valid samples (N,) to the file's logits (N, K)."""
    session = opened(model, torch.get_num_threads())  # the cell's own share of the machine

    def run(waveform: Tensor, lengths: Tensor) -> npt.NDArray[np.float32]:
        logits: npt.NDArray[np.float32]
        feed = {"waveform": waveform.cpu().numpy(), "lengths": lengths.cpu().numpy()}
        (logits,) = session.run(["logits"], feed if task is None else {**feed, "task": np.array(task)})
        return logits

    return run
