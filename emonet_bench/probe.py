"""How long a training step takes and how much memory, tried on noise: the estimate of ``--dry-run``."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from emonet_bench import records
from emonet_bench.config import parse
from emonet_bench.evaluation import autocast, training_window
from emonet_bench.networks import Classifier, classifier
from emonet_bench.plugins import Plugins, Selection
from emonet_bench.runs import RunSpec
from emonet_bench.types import Signal, TrainingSet

_SECONDS = 3.0  # of noise where a recipe trains on whole clips


@dataclass(frozen=True)
class Measured:
    """What a training costs.

    Attributes:
        seconds: For each clip and epoch.
        memory_mb: The most memory, in MiB.
    """

    seconds: float
    memory_mb: int


def probe(spec: RunSpec, selection: Selection) -> Measured | None:
    """Time the second of two training steps of a network trained from scratch; None where it needs no steps."""
    recipe = spec.training
    torch.set_num_threads(recipe.threads)
    architecture = Plugins(selection).architectures[spec.architecture]
    if architecture.fit is not None:
        return None
    options = parse(architecture.options, spec.architecture_options, architecture.name)
    window = training_window(recipe)
    network = architecture.build(options, Signal(recipe.sampling_rate, window))
    whole = classifier(network, [TrainingSet("probe", ("a", "b"), recipe.batch_size)]).to(recipe.device).train()
    noise = torch.rand(recipe.batch_size, window or round(_SECONDS * recipe.sampling_rate), device=recipe.device) - 0.5
    _step(whole, noise, spec)
    started = time.perf_counter()
    _step(whole, noise, spec)
    seconds = (time.perf_counter() - started) / recipe.batch_size
    return Measured(seconds, records.peak_memory_mb(torch.device(recipe.device)))


def _step(whole: Classifier, noise: torch.Tensor, spec: RunSpec) -> None:
    with autocast(spec.training):
        logits = whole(noise)
    logits.float().logsumexp(-1).sum().backward()
    if noise.is_cuda:
        torch.cuda.synchronize()
