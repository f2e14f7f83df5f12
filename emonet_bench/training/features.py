"""Frozen features of a training: kept in the store, computed anew for every batch, or not used."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from emonet_bench.config import Training
from emonet_bench.data.dataset import Clips
from emonet_bench.directories import features_directory
from emonet_bench.errors import ConfigError
from emonet_bench.features.clips import ComputedFeatures, KeptFeatures
from emonet_bench.features.freezing import frozen, frozen_id
from emonet_bench.features.store import ClipToCompute, FeatureKey, FeatureStore, Precision
from emonet_bench.networks import Classifier
from emonet_bench.networks.precision import tf32_disabled
from emonet_bench.training.prediction import evaluation_input, training_window
from emonet_bench.types import FrozenFeatures, Partition

_log = logging.getLogger(__name__)

Parts = Mapping[str, Mapping[Partition, Clips]]
"""The clips of each partition, for each corpus."""

_TOLD_SECONDS = 10.0  # between two lines of the log


@dataclass(frozen=True)
class FeatureUse:
    """How a training may use frozen features.

    Attributes:
        frozen_id: Of the network, or None where it has no frozen part.
        partitions: Those whose clips are heard as a whole, so that features serve them.
        reason: Why features are not used, or not for all partitions; empty: they are.
    """

    frozen_id: str | None
    partitions: tuple[Partition, ...] = ()
    reason: str = ""


def feature_use(
    classifier: Classifier, recipe: Training, *, fitted: bool, built: Mapping[str, Any] | None = None
) -> FeatureUse:
    """Say how a training may use frozen features.

    Args:
        classifier: As the strategy prepared it, its first weights chosen.
        recipe: How it is trained and evaluated.
        fitted: Whether it is fitted without gradients, to whole clips.
        built: What a network that is frozen as a whole follows from, see ``features.freezing.frozen_id``.

    Raises:
        ConfigError: The recipe asks for them and they cannot be kept.
    """
    splits, asked = hasattr(classifier.network, "frozen_id"), recipe.features in ("float32", "float16")
    # In training a frozen whole would go on to drop units and to mask bands: that it does not is for the recipe to say.
    identity = frozen_id(classifier.network, built if asked and not fitted else None)
    if identity is None and not splits:
        return FeatureUse(None)
    if identity is None:
        if asked:
            raise ConfigError(
                f"training.features: {recipe.features!r} keeps what a frozen part computes, and this network trains "
                "there; train less of it, or leave training.features out"
            )
        return FeatureUse(None, reason="none kept: the network trains from its first layers on")
    trained = fitted or (training_window(recipe) is None and not recipe.augment)
    evaluated = evaluation_input(recipe, classifier.network).window is None
    if asked and not trained and recipe.augment:
        raise ConfigError(
            f"training.features: {recipe.features!r} keeps what is made of clips as they are, and training.augment "
            "changes them; leave one of the two out"
        )
    if asked and not trained:
        raise ConfigError(
            f"training.features: {recipe.features!r} keeps what is made of whole clips, and training.window cuts crops "
            f"of {recipe.window} s; leave training.window without a value, or leave training.features out"
        )
    partitions: tuple[Partition, ...] = (*(("train",) if trained else ()), *(("dev", "test") if evaluated else ()))
    if fitted and not evaluated:
        partitions = ("train", "dev")
    why = "training.augment changes clips" if recipe.augment else "training.window cuts crops"
    reason = "" if trained else f"of dev and test only: {why}, computed anew in every epoch"
    return FeatureUse(identity if partitions else None, partitions, reason)


def attach_features(
    classifier: Classifier,
    clips: Parts,
    recipe: Training,
    fitted: bool,  # noqa: FBT001 - of an architecture
    user: str = "",
    progress: Callable[[int, int], None] | None = None,
    built: Mapping[str, Any] | None = None,
) -> tuple[dict[str, dict[Partition, Clips]], dict[str, str]]:
    """Give clips the features that the frozen part of a network makes of them; compute what is not kept yet.

    Each clip is computed alone, in evaluation mode and in float32, whether features are kept or not: so both give the
    same numbers, whatever else stands in a batch.

    Args:
        classifier: As the strategy prepared it, its first weights chosen, on the clips' device.
        clips: Of each corpus and partition.
        recipe: How it is trained and evaluated.
        fitted: Whether it is fitted without gradients, to whole clips.
        user: Who asks, for the list of stores.
        progress: Called with (clips kept, clips in all) while some are computed; None: the log is told.
        built: What a network that is frozen as a whole follows from, see ``features.freezing.frozen_id``.

    Returns:
        The clips, and notes for the result: ``features`` says why they are not used for all of the clips.

    Raises:
        ConfigError: The recipe asks for features that cannot be kept.
        OutOfSpaceError: The disk has no room for them.
        StoreError: The store cannot be written.
        TrainingError: Features are not finite, or too large for float16.
    """
    found: dict[str, dict[Partition, Clips]] = {name: dict(parts) for name, parts in clips.items()}
    use = feature_use(classifier, recipe, fitted=fitted, built=built)
    notes = {"features": use.reason} if use.reason else {}
    if use.frozen_id is None:
        return found, notes
    compute = partial(_frozen, classifier.network)
    places = [(name, part) for name, parts in found.items() for part in use.partitions if part in parts]
    if recipe.features == "off":
        for name, part in places:
            own = found[name][part]
            features = ComputedFeatures(partial(compute, own), range(len(own)), own.starts.device)
            found[name][part] = replace(own, features=features)
        return found, notes
    name, part = places[0]
    store = FeatureStore(features_directory(), _key(use.frozen_id, recipe, found[name][part]))
    wanted = [
        ClipToCompute(digest, length, partial(compute, own, i))
        for name, part in places
        for own in (found[name][part],)
        for i, (digest, length) in enumerate(zip(_digests(own), own.lengths.tolist(), strict=True))
    ]
    rows, sequence = store.features(wanted, user, progress or _told())
    for name, part in places:
        own = found[name][part]
        found[name][part] = replace(own, features=KeptFeatures(rows[: len(own)], sequence, own.starts.device))
        rows = rows[len(own) :]
    return found, notes


def _key(frozen_id: str, recipe: Training, clips: Clips) -> FeatureKey:
    device = clips.starts.device.type
    rounding = device if device != "cpu" else f"cpu, threads: {torch.get_num_threads()}"
    precision: Precision = "float16" if recipe.features == "float16" else "float32"
    return FeatureKey(frozen_id, clips.sampling_rate, precision, rounding)


def _digests(clips: Clips) -> Iterator[bytes]:
    """Yield 32 bytes that identify the audio of each clip."""
    if clips.digests is not None:
        yield from (bytes(row) for row in clips.digests.tolist())
        return
    samples = clips.samples.cpu().numpy()
    for start, length in zip(clips.starts.tolist(), clips.lengths.tolist(), strict=True):
        yield hashlib.sha256(samples[start : start + length].tobytes()).digest()


@torch.no_grad()
def _frozen(network: Any, clips: Clips, place: int) -> FrozenFeatures:
    """Compute the features of one clip, alone."""
    batch = clips.whole(torch.tensor([place], device=clips.starts.device))
    with _evaluating(network), tf32_disabled():
        return frozen(network, batch.waveform, None)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Put all modules into evaluation mode for a moment; each goes back to its own."""
    training = [module for module in network.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _told() -> Callable[[int, int], None]:
    """Return a progress that tells the log, now and then."""
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _TOLD_SECONDS or done == total:
            last = time.monotonic()
            _log.info("frozen features: %d of %d clips", done, total)

    return tell
