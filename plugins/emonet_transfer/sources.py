"""What a strategy takes from its source: shared layers, or the whole function of one of the source's corpora."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from emonet_bench.errors import ConfigError, Skipped
from emonet_bench.networks import Classifier, MaskedBatchNorm, corpus_of, without_corpus
from emonet_transfer.parts import ConvAdapter

# The options of a front end that change what a network hears; the others act in training only.
_HEARD = ("num_mels", "n_fft", "hop", "f_min", "f_max", "triangles", "normalise", "features", "num_mfccs")


def adapter_slots(network: Any) -> list[str]:
    """List how the names of all adapters' tensors begin."""
    return [f"{point.path}." for point in network.adapter_points().values() if point.kind in ("conv", "sequence")]


def load_shared(network: Any, source: Any) -> None:
    """Load a source's network but its adapters; of further sets of parts, the first corpus's.

    Raises:
        ConfigError: The source differs from the network, or in what it hears.
    """
    if source is not None:  # otherwise the structure alone is wanted
        _hold_hearing(network, source)
        _load(network, _unadapted(source.network(), adapter_slots(network)))


def load_functions(network: Any, source: Any) -> dict[str, dict[str, Tensor]]:
    """Load a source's network; a source with adapters is as many networks as it has corpora.

    Returns:
        Of such a source, every corpus's network, as tensors of a classifier; the first is loaded. Otherwise nothing.

    Raises:
        ConfigError: The source differs from the network, or in what it hears.
        Skipped: Its adapters cannot be made part of the layers beside them.
    """
    if source is None:
        return {}
    _hold_hearing(network, source)
    functions = {f"the network of {corpus}": plain(network, source, corpus) for corpus in source.branches}
    _load(network, next(iter(functions.values())) if functions else source.network())
    return {name: {f"network.{key}": tensor for key, tensor in tensors.items()} for name, tensors in functions.items()}


def plain(network: Any, source: Any, corpus: str) -> dict[str, Tensor]:
    """Write the network of one of a source's corpora without adapters: their kernels go into those beside them.

    Args:
        network: Of the same structure, without adapters; left as it is.
        source: A checkpoint.
        corpus: Which.

    Returns:
        Its tensors: the same function.

    Raises:
        Skipped: An adapter is more than a 1x1 convolution, or the layer beside it has no ``absorb``.
    """
    network, given = copy.deepcopy(network), source.network(corpus)
    _load(network, _unadapted(given, adapter_slots(network)))
    for point in network.adapter_points().values():
        slot = f"{point.path}."
        parts = {name.removeprefix(slot): given[name] for name in given if name.startswith(slot)}
        if not parts or point.kind in ("norm", "pooling"):
            continue
        beside = network.get_submodule(point.path.rpartition(".")[0])
        adapter = ConvAdapter(point.inputs, point.outputs, rank=len(parts["down"]) if "down" in parts else None)
        if _shapes(parts) != _shapes(adapter.state_dict()) or not hasattr(beside, "absorb"):
            raise Skipped(
                f"source: its adapters at {point.path} cannot be made part of the layer beside them; "
                "start 'adapters' from it, or train a source without adapters"
            )
        adapter.load_state_dict(parts)
        beside.absorb(adapter.kernel())
    return dict(network.state_dict())


def initialisations(whole: Classifier, source: Any) -> dict[str, dict[str, Tensor]]:
    """List where adapters may start from: the mean of the source's sets without adapters, or one of the sets."""
    if source is None or not source.branches:
        return {}
    state = whole.state_dict()
    sets = {f"the set of {corpus}": source.network(corpus) for corpus in source.branches}

    def fitting(name: str, given: Mapping[str, Tensor]) -> Tensor | None:
        found = given.get(without_corpus(name).removeprefix("network."))
        return found if corpus_of(name) and found is not None and found.shape == state[name].shape else None

    named = {
        start: {name: tensor for name in state if (tensor := fitting(name, given)) is not None}
        for start, given in sets.items()
    }
    slots = tuple(adapter_slots(whole.network))
    first = next(iter(named.values()))
    mean = {
        name: torch.stack([tensors[name].float() for tensors in named.values()]).mean(0).to(tensor.dtype)
        for name, tensor in first.items()
        if not without_corpus(name).removeprefix("network.").startswith(slots)
    }
    unadapted = {name: tensor.clone() for name, tensor in state.items() if name in first and name not in mean}
    return {"adapters at zero": {**unadapted, **mean}, **named}


def _unadapted(given: Mapping[str, Tensor], slots: Sequence[str]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in given.items() if not name.startswith(tuple(slots))}


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _hold_hearing(network: Any, source: Any) -> None:
    """Compare sampling rate and front end, where both sides tell them; no tensor would show a difference."""
    name, theirs = source.header.get("architecture"), source.header.get("architecture_options", {})
    options = getattr(getattr(network, "front_end", None), "options", None)
    pairs = [(f"options.{name}.{option}", theirs.get(option), getattr(options, option, None)) for option in _HEARD]
    rate = getattr(getattr(network, "input_spec", None), "sampling_rate", None)
    pairs.append(("training.sampling_rate", source.header.get("signal", {}).get("sampling_rate"), rate))
    for option, before, now in pairs:
        if None not in (before, now) and before != now:
            raise ConfigError(
                f"source: it was trained with {option} {before}, this network has {now}; "
                f"set {option} to {before}, or train the source with {now}"
            )


def _load(network: nn.Module, given: Mapping[str, Tensor]) -> None:
    expected = network.state_dict()
    odd = sorted(set(expected) ^ set(given)) + [
        name for name in expected if name in given and expected[name].shape != given[name].shape
    ]
    if odd:
        raise ConfigError(
            f"source: its network differs from this one at {odd[0]} ({len(odd)} places); "
            "train the source with the same architecture and options"
        )
    network.load_state_dict(given)
    for module in network.modules():
        if isinstance(module, MaskedBatchNorm):
            module.reset_statistics()  # the target's statistics, once it trains, owe nothing to the source's
