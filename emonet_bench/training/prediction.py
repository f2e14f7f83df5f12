"""Prediction: clips scored with a trained classifier, in float32; alike while training, at its end and for export."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from emonet_bench.config import Training
from emonet_bench.data.dataset import Batch, Clips
from emonet_bench.errors import PluginError, TrainingError
from emonet_bench.networks import Classifier
from emonet_bench.networks.outputs import activate
from emonet_bench.networks.precision import tf32_disabled
from emonet_bench.networks.windowing import aggregate_windows
from emonet_bench.types import FrozenFeatures, InputSpec

_log = logging.getLogger(__name__)


@torch.inference_mode()
def predict(classifier: Classifier, clips: Clips, recipe: Training) -> Tensor:
    """Score all clips with the active corpus's branches.

    Args:
        classifier: The network, on the clips' device.
        clips: What to score.
        recipe: Its evaluation window and batch size.

    Returns:
        (N, K) float32 on the CPU, in the order of the clips: probabilities or, of label sets and values, what
            ``activate`` makes of logits.

    Raises:
        TrainingError: One is not finite, or a single clip does not fit into the GPU's memory.
    """
    logits = _each(classifier, clips, recipe, Pass(classifier, classifier.forward_frozen))
    probabilities = activate(logits, clips.target).cpu()
    if not probabilities.isfinite().all():
        odd = clips.names[int((~probabilities.isfinite()).any(-1).nonzero()[0])]
        raise TrainingError(f"the network's scores are not finite (first of {odd}); lower training.learning_rate")
    return probabilities


@torch.inference_mode()
def predict_alone(classifier: Classifier, clips: Clips, recipe: Training) -> tuple[int, Tensor]:
    """Score the shortest clip by itself, as ``predict`` scores it beside others; return its index and (K,)."""
    classifier.eval()
    index = clips.lengths.argmin()[None]
    compute = Pass(classifier, classifier.forward_frozen)
    logits = forward_batch(clips, index, evaluation_input(recipe, classifier.network), compute)
    return int(index), activate(logits, clips.target).cpu()[0]


@torch.inference_mode()
def embed(classifier: Classifier, clips: Clips, recipe: Training) -> Tensor:
    """Return the embeddings (N, D) of all clips, float32 on the CPU, with the active corpus's branches."""
    return _each(classifier, clips, recipe, embedding_pass(classifier)).cpu()


@torch.no_grad()  # not inference mode: a loss may hold its outputs against others
def embed_and_score(classifier: Classifier, clips: Clips, recipe: Training) -> tuple[Tensor, Tensor]:
    """Return embeddings (N, D) and logits (N, classes) of all clips, in one pass; see ``embed``."""
    network: Any = classifier.network

    def with_logits(embedding: Tensor) -> Tensor:
        return torch.cat([embedding, classifier.heads(embedding)], 1)

    compute = embedding_pass(classifier)
    both = Pass(lambda *clip: with_logits(compute.heard(*clip)), lambda features: with_logits(compute.kept(features)))
    embeddings, logits = _each(classifier, clips, recipe, both).cpu().tensor_split([network.dim], 1)
    return embeddings, logits


class Pass(NamedTuple):
    """Something to compute of clips: from their waveforms, or from the features of the network's frozen part.

    Attributes:
        heard: Maps waveforms (N, S) and valid samples (N,) to (N, D).
        kept: Maps features of N clips to (N, D).
    """

    heard: Callable[[Tensor, Tensor], Tensor]
    kept: Callable[[FrozenFeatures], Tensor]


def embedding_pass(classifier: Classifier) -> Pass:
    """Return the pass that computes embeddings."""
    network: Any = classifier.network
    return Pass(network.embed, classifier.embed_frozen)


def embed_batch(classifier: Classifier, batch: Batch) -> Tensor:
    """Embed a batch (N, D), from its features where it has them.

    Raises:
        PluginError: The network gives something of another shape.
    """
    network: Any = classifier.network
    if batch.features is not None:
        embedding = classifier.embed_frozen(batch.features)
    else:
        embedding = network.embed(batch.waveform, batch.lengths)
    expected, shape = (len(batch.index), network.dim), tuple(getattr(embedding, "shape", ()))
    if shape != expected:
        got = shape or f"a {type(embedding).__name__}"
        raise PluginError(f"the network's embed must return (N, dim), here {expected}; got {got}; mend it")
    return embedding


def _each(classifier: Classifier, clips: Clips, recipe: Training, compute: Pass) -> Tensor:
    """Compute one row for each clip, batch by batch; one that does not fit into memory is halved: rows stay the same.

    Raises:
        TrainingError: A single clip does not fit.
    """
    classifier.eval()
    order = torch.argsort(clips.lengths, stable=True)  # so that little is padded
    input_spec = evaluation_input(recipe, classifier.network)
    rows: list[Tensor] = []
    done, size = 0, recipe.batch_size
    while done < len(order):
        index = order[done : done + size]
        try:
            rows.append(forward_batch(clips, index, input_spec, compute))
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


def forward_batch(clips: Clips, index: Tensor, input_spec: InputSpec, compute: Pass) -> Tensor:
    """Compute one row for each of some clips, at once, as evaluation hears them.

    Args:
        clips: Where they are.
        index: (N,) which.
        input_spec: What is heard of them, see ``evaluation_input``.
        compute: What to compute.

    Returns:
        (N, D) float32.
    """
    if clips.features is not None and input_spec.window is None:
        return compute.kept(clips.features.gather(index.tolist())).float()
    batch = clips.whole(index)
    assert batch.lengths is not None  # whole clips carry their lengths
    with tf32_disabled():
        (rows,) = aggregate_windows(lambda *clip: (compute.heard(*clip),), batch.waveform, batch.lengths, input_spec)
    return rows.float()


def dev_score(classifier: Classifier, clips: Clips, recipe: Training) -> float:
    """Return what the metric that selects on these clips says of all of them, with the active corpus's branches.

    Raises:
        CorpusError: It says nothing of them.
    """
    predicted = predict(classifier, clips, recipe).double().numpy()
    return clips.selects.dev_score(clips.truth().numpy(), predicted, clips.labels)


def label_names(clips: Clips, prediction: Tensor) -> tuple[list[str], list[str]]:
    """Return truth and prediction (N,) as label names."""
    truth = [clips.labels[i] for i in clips.targets.tolist()]
    return truth, [clips.labels[i] for i in prediction.tolist()]


def training_window(recipe: Training) -> int | None:
    """Return the samples of the window that training hears, or None for whole clips."""
    return None if recipe.window is None else round(recipe.window * recipe.sampling_rate)


def evaluation_input(recipe: Training, network: Any) -> InputSpec:
    """Return what evaluation, and so an exported model, really hears of a clip; windows overlap by half.

    Args:
        recipe: Says whether clips are heard as a whole, in their centre, or window by window.
        network: What the architecture built; its ``input_spec``, where it has one, says that it hears a fixed window
            whatever the recipe says.
    """
    window = None if recipe.evaluation == "whole" else training_window(recipe)
    hop = max(1, window // 2) if window and recipe.evaluation == "windows" else None
    own: InputSpec | None = getattr(network, "input_spec", None)
    if window is None and own is not None:
        window = own.window
    return InputSpec(recipe.sampling_rate, window, hop)
