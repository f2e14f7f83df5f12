"""The cost probe: how long training takes and how much memory, tried on noise; the estimate of ``--dry-run``."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from emonet_bench.config import Training, parse
from emonet_bench.matrix.planning.cost import Cost
from emonet_bench.networks import Classifier, build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import RunSpec
from emonet_bench.runs.telemetry import peak_memory_mb
from emonet_bench.training.features import feature_use
from emonet_bench.training.prediction import training_window
from emonet_bench.training.step import autocast
from emonet_bench.types import FrozenFeatures, InputSpec, TrainingSet

_SECONDS = 3.0  # of noise where a recipe trains on whole clips
_FEW, _MORE = 2, 6  # clips from which a CPU's batch is extended: its time and memory grow evenly with the clips


def probe(spec: RunSpec, selection: Selection) -> Cost:
    """Train a network for a few steps. Memory is that of the process, which should do nothing else.

    Where features of a frozen part are kept, the steps are taken on those, and how long one clip's take is measured by
    itself.
    """
    recipe = spec.training
    torch.set_num_threads(recipe.threads)
    whole = _classifier(spec, Plugins(selection)).to(recipe.device).train()
    kept, extraction = _extracted(whole, recipe) if _keeps_features(whole, recipe) else (None, 0.0)
    frozen_id = whole.network.frozen_id() if kept is not None else ""  # type: ignore[attr-defined]
    _step(whole, recipe, _FEW, kept)  # the first one prepares much
    if recipe.device != "cpu" or recipe.batch_size <= _MORE:
        seconds, memory = _step(whole, recipe, recipe.batch_size, kept)
        return Cost(seconds / recipe.batch_size, round(memory), frozen_id, extraction)
    few, more = _step(whole, recipe, _FEW, kept), _step(whole, recipe, _MORE, kept)
    further = (recipe.batch_size - _FEW) / (_MORE - _FEW)
    seconds, memory = (low + max(0.0, high - low) * further for low, high in zip(few, more, strict=True))
    return Cost(seconds / recipe.batch_size, round(memory), frozen_id, extraction)


def _classifier(spec: RunSpec, plugins: Plugins) -> Classifier:
    """Build what a cell trains; where no features are kept, every strategy is taken to cost what training all does."""
    recipe, sets = spec.training, [TrainingSet("probe", ("a", "b"), spec.training.batch_size)]
    architecture, strategy = plugins.architectures[spec.architecture], plugins.strategies[spec.strategy]
    options = parse(architecture.options, spec.architecture_options, architecture.name)
    network = architecture.build(options, InputSpec(recipe.sampling_rate, training_window(recipe)))
    if recipe.window is not None:
        return build_classifier(network, sets)
    chosen = parse(strategy.options, spec.strategy_options, strategy.name)
    return strategy.prepare(network, sets, None, chosen).classifier


def _keeps_features(whole: Classifier, recipe: Training) -> bool:
    if training_window(recipe) is not None or recipe.features == "off":
        return False
    use = feature_use(whole, recipe, fitted=False)
    return use.frozen_id is not None and "train" in use.partitions


@torch.no_grad()
def _extracted(whole: Classifier, recipe: Training) -> tuple[FrozenFeatures, float]:
    """Return the features of one clip of noise, and the seconds that they took at the second time."""
    network: Any = whole.network
    noise = _noise(recipe, 1)
    network.frozen(noise, None)
    started = time.perf_counter()
    found: FrozenFeatures = network.frozen(noise, None)
    _finish(noise)
    return found, time.perf_counter() - started


def _step(whole: Classifier, recipe: Training, clips: int, kept: FrozenFeatures | None) -> tuple[float, float]:
    """Take one step with so many clips; return its seconds and the most memory so far, in MiB."""
    noise = _noise(recipe, clips if kept is None else 0)
    started = time.perf_counter()
    with autocast(recipe):
        logits = whole(noise) if kept is None else whole.forward_frozen(_repeated(kept, clips))
    logits.float().logsumexp(-1).sum().backward()
    _finish(noise)
    return time.perf_counter() - started, peak_memory_mb(torch.device(recipe.device)) or 0


def _noise(recipe: Training, clips: int) -> Tensor:
    samples = training_window(recipe) or round(_SECONDS * recipe.sampling_rate)
    return torch.rand(clips, samples, device=recipe.device) - 0.5


def _repeated(features: FrozenFeatures, clips: int) -> FrozenFeatures:
    lengths = None if features.lengths is None else features.lengths.expand(clips)
    return FrozenFeatures(features.values.expand(clips, *features.values.shape[1:]), lengths)


def _finish(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize()
