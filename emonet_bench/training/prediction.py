"""Scoring clips with a trained classifier, in float32, alike while training, at its end and for an export."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.errors import TrainingError
from emonet_bench.metrics import unweighted_average_recall
from emonet_bench.networks import Classifier
from emonet_bench.networks.windowing import aggregate_windows
from emonet_bench.types import InputSpec

_log = logging.getLogger(__name__)


@torch.inference_mode()
def predict(classifier: Classifier, clips: Clips, recipe: Training) -> Tensor:
    """Score all clips with the active corpus's branches.

    Args:
        classifier: The network, on the clips' device.
        clips: What to score.
        recipe: Its evaluation window and batch size.

    Returns:
        (N, classes) float32 probabilities on the CPU, in the order of the clips.
    """
    return _each(classifier, clips, recipe, classifier).softmax(-1).cpu()


@torch.inference_mode()
def embed(classifier: Classifier, clips: Clips, recipe: Training) -> Tensor:
    """Return the embeddings (N, D) of all clips, float32 on the CPU, with the active corpus's branches."""
    return _each(classifier, clips, recipe, classifier.network.embed).cpu()


def _each(
    classifier: Classifier, clips: Clips, recipe: Training, compute: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Compute one row for each clip, batch by batch; one that does not fit into memory is halved: rows stay the same.

    Raises:
        TrainingError: A single clip does not fit.
    """
    classifier.eval()
    order = torch.argsort(clips.lengths, stable=True)  # so that little is padded
    rows: list[Tensor] = []
    done, size = 0, recipe.batch_size
    while done < len(order):
        index = order[done : done + size]
        try:
            rows.append(forward_batch(clips, index, recipe, compute))
            done += len(index)
            continue
        except torch.OutOfMemoryError as error:
            size = len(index) // 2
            if size == 0:
                raise TrainingError(
                    f"out of GPU memory with one clip to score ({clips.names[int(index)]}); "
                    "set training.evaluation to 'centre' or run fewer cells at once with --jobs"
                ) from error
        torch.cuda.empty_cache()  # outside of the handler: its traceback keeps the tensors alive
        _log.warning("out of GPU memory: only %d clips are scored at once, which changes no score", size)
    return torch.cat(rows)[torch.argsort(order)]


def forward_batch(clips: Clips, index: Tensor, recipe: Training, compute: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Compute one row for each of some clips, at once, as evaluation hears them.

    Args:
        clips: Where they are.
        index: (N,) which.
        recipe: Its evaluation window.
        compute: Maps waveforms (N, S) and valid samples (N,) to (N, D).

    Returns:
        (N, D) float32.
    """
    batch = clips.whole(index)
    assert batch.lengths is not None  # whole clips carry their lengths
    with tf32_disabled():
        (rows,) = aggregate_windows(
            lambda *clip: (compute(*clip),), batch.waveform, batch.lengths, evaluation_input(recipe)
        )
    return rows.float()


@contextmanager
def tf32_disabled() -> Iterator[None]:
    """Keep float32 on GPUs from being rounded to TensorFloat-32, as torch does in convolutions and recurrent layers."""
    backends: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    before = [backend.allow_tf32 for backend in backends]
    try:
        for backend in backends:
            backend.allow_tf32 = False
        yield
    finally:
        for backend, allowed in zip(backends, before, strict=True):
            backend.allow_tf32 = allowed


def uar(classifier: Classifier, clips: Clips, recipe: Training) -> float:
    """Return the UAR over clips, scored with the active corpus's branches."""
    truth, prediction = label_names(clips, predict(classifier, clips, recipe).argmax(-1))
    return unweighted_average_recall(truth, prediction, clips.labels)


def label_names(clips: Clips, prediction: Tensor) -> tuple[list[str], list[str]]:
    """Return truth and prediction (N,) as label names."""
    truth = [clips.labels[i] for i in clips.targets.tolist()]
    return truth, [clips.labels[i] for i in prediction.tolist()]


def training_window(recipe: Training) -> int | None:
    """Return the samples of the window that training hears, or None for whole clips."""
    return None if recipe.window is None else round(recipe.window * recipe.sampling_rate)


def evaluation_input(recipe: Training, network: Any = None) -> InputSpec:
    """Return what evaluation, and so an exported model, really hears of a clip; windows overlap by half.

    Args:
        recipe: Says whether clips are heard as a whole, in their centre, or window by window.
        network: What the architecture built; its ``input_spec``, where it has one, says that it hears a fixed window
            whatever the recipe says. None: any network's, before it cuts anything itself.
    """
    window = None if recipe.evaluation == "whole" else training_window(recipe)
    hop = max(1, window // 2) if window and recipe.evaluation == "windows" else None
    own: InputSpec | None = getattr(network, "input_spec", None)
    if window is None and own is not None:
        window = own.window
    return InputSpec(recipe.sampling_rate, window, hop)
