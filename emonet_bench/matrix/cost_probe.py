"""The cost probe: how long training takes and how much memory, tried on noise; the estimate of ``--dry-run``."""

from __future__ import annotations

import time

import torch

from emonet_bench.config import Training, parse
from emonet_bench.matrix.cost import Cost
from emonet_bench.networks import Classifier, build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import RunSpec
from emonet_bench.runs.telemetry import peak_memory_mb
from emonet_bench.training.prediction import training_window
from emonet_bench.training.step import autocast
from emonet_bench.types import InputSpec, TrainingSet

_SECONDS = 3.0  # of noise where a recipe trains on whole clips
_FEW, _MORE = 2, 6  # clips from which a CPU's batch is extended: its time and memory grow evenly with the clips


def probe(spec: RunSpec, selection: Selection) -> Cost:
    """Train a network from scratch for a few steps. Memory is that of the process, which should do nothing else."""
    recipe = spec.training
    torch.set_num_threads(recipe.threads)
    architecture = Plugins(selection).architectures[spec.architecture]
    options = parse(architecture.options, spec.architecture_options, architecture.name)
    network = architecture.build(options, InputSpec(recipe.sampling_rate, training_window(recipe)))
    whole = build_classifier(network, [TrainingSet("probe", ("a", "b"), recipe.batch_size)]).to(recipe.device).train()
    _step(whole, recipe, _FEW)  # the first one prepares much
    if recipe.device != "cpu" or recipe.batch_size <= _MORE:
        seconds, memory = _step(whole, recipe, recipe.batch_size)
        return Cost(seconds / recipe.batch_size, round(memory))
    few, more = _step(whole, recipe, _FEW), _step(whole, recipe, _MORE)
    further = (recipe.batch_size - _FEW) / (_MORE - _FEW)
    seconds, memory = (low + max(0.0, high - low) * further for low, high in zip(few, more, strict=True))
    return Cost(seconds / recipe.batch_size, round(memory))


def _step(whole: Classifier, recipe: Training, clips: int) -> tuple[float, float]:
    """Take one step with so many clips; return its seconds and the most memory so far, in MiB."""
    samples = training_window(recipe) or round(_SECONDS * recipe.sampling_rate)
    noise = torch.rand(clips, samples, device=recipe.device) - 0.5
    started = time.perf_counter()
    with autocast(recipe):
        logits = whole(noise)
    logits.float().logsumexp(-1).sum().backward()
    if noise.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started, peak_memory_mb(torch.device(recipe.device)) or 0
