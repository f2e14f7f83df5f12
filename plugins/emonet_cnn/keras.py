"""EmoNet's own weights: Keras files become state dicts of our networks."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emonet_bench.errors import ConfigError
from emonet_bench.training.checkpoints import Checkpoint

Layers = dict[str, dict[str, Any]]  # arrays by layer and name
_CORE = "core"  # EmoNet's word for a layer that no task owns


def read_keras(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the weights of EmoNet's ``cnn``.

    Args:
        path: A Keras file (``.h5``; needs h5py), or the same arrays as ``w/<layer>/<name>`` in an ``.npz``.

    Returns:
        The ``state_dict`` of a ``networks.Classifier`` with a branch for each task (its head and, where the file has
        them, its adapters, batch norms and attention), and what the file tells of the network: ``architecture_options``
        (filters and widen factor as their product), whether it has ``adapters`` and a ``share_feature_layer``, and
        ``classes``, the number of labels of each task.

    Raises:
        ConfigError: The file is unreadable or not of EmoNet's ``cnn``.
    """
    layers = _read_npz(path) if path.suffix == ".npz" else _read_h5(path)
    units = _units(layers)
    tasks = [name.removesuffix("_dense") for name in sorted(layers) if name.endswith("_dense")]
    if not units or not tasks or (len(units) - 1) % 6:
        raise ConfigError(f"{path}: not the weights of EmoNet's cnn; give a file that its cnn command saved")
    try:
        tensors = dict(_tensors(layers, units, tasks))
    except KeyError as error:
        raise ConfigError(f"{path}: {error.args[0]} is missing; the file is damaged or not of EmoNet's cnn") from error
    attention = any(name.endswith("_2d_attention") for name in layers)
    return tensors, {
        "architecture_options": {
            "number_of_resnet_blocks": (len(units) - 1) // 6,
            "number_of_filters": len(tensors["network.trunk.stem.conv.weight"]),
            "classifier": "FCNAttention" if attention else "avgpool",
            "input_bn": any(name.endswith("_input_batch_normalization") for name in layers),
            "triangles": "mel",
        },
        "adapters": any(name.endswith("_adapter") for name in layers),
        "share_feature_layer": f"{_CORE}_2d_attention" in layers,
        "classes": {task: max(2, len(layers[task]["bias"])) for task in tasks},
    }


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the weights of EmoNet's ``cnn`` to start from, with a branch for each of its tasks.

    Raises:
        ConfigError: As ``read_keras`` does.
    """
    tensors, found = read_keras(path)
    corpora = {task: [str(number) for number in range(classes)] for task, classes in found["classes"].items()}
    return Checkpoint(
        tensors, {"architecture": "cnn", "architecture_options": found["architecture_options"], "corpora": corpora}
    )


def _units(layers: Layers) -> dict[str, str]:
    """Match the convolutions, in their order, with our units."""
    count = sum(re.fullmatch(r"conv2d(_\d+)?", name) is not None for name in layers)
    names = ["conv2d", *(f"conv2d_{i}" for i in range(1, count))][:count]
    places = ["stem", *(f"blocks.{i // 2}.{('first', 'second')[i % 2]}" for i in range(count))]
    return {name: f"network.trunk.{place}" for name, place in zip(names, places, strict=False)}


def _tensors(layers: Layers, units: Mapping[str, str], tasks: list[str]) -> Iterator[tuple[str, Tensor]]:
    for conv, place in units.items():
        yield f"{place}.conv.weight", _tensor(_get(layers, conv, "kernel").transpose(3, 2, 0, 1))
        for owner, branch in _owners(layers, tasks, f"{conv}_adapter"):
            kernel = _get(layers, owner, "kernel")[0, 0].T
            yield f"{place}.adapter{branch}.weight", _tensor(kernel)
        yield from _norms(layers, tasks, f"{conv}_batch_normalization", f"{place}.norm")
    yield from _norms(layers, tasks, "final_batch_normalization", "network.trunk.norm")
    yield from _norms(layers, tasks, "input_batch_normalization", "network.trunk.input_norm")
    for owner, branch in _owners(layers, tasks, "2d_attention"):
        place = f"network.pooling{branch}.attention"
        yield f"{place}.dense.weight", _tensor(_get(layers, owner, "W").T)
        yield f"{place}.dense.bias", _tensor(_get(layers, owner, "b"))
        yield f"{place}.score.weight", _tensor(_get(layers, owner, "u")[None])
    for task in tasks:
        head = f"heads{_branch(task)}"
        for layer, place in ((f"{task}_dense", f"{head}.dense"), (task, f"{head}.output")):
            yield f"{place}.weight", _tensor(_get(layers, layer, "kernel").T)
            yield f"{place}.bias", _tensor(_get(layers, layer, "bias"))
        yield from _norm(layers, f"{task}_dense_batchnorm", f"{head}.norm")


def _norms(layers: Layers, tasks: list[str], suffix: str, place: str) -> Iterator[tuple[str, Tensor]]:
    for owner, branch in _owners(layers, tasks, suffix):
        yield from _norm(layers, owner, place + branch)


def _norm(layers: Layers, layer: str, place: str) -> Iterator[tuple[str, Tensor]]:
    names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    for ours, theirs in names.items():
        yield f"{place}.{ours}", _tensor(_get(layers, layer, theirs))
    yield f"{place}.num_batches_tracked", torch.tensor(0)


def _owners(layers: Layers, tasks: list[str], suffix: str) -> Iterator[tuple[str, str]]:
    """Yield the layers of a kind, each with its branch in our names: none for the core's, one for each task's."""
    for owner in [_CORE, *tasks]:
        if f"{owner}_{suffix}" in layers:
            yield f"{owner}_{suffix}", "" if owner == _CORE else _branch(owner)


def _branch(task: str) -> str:
    return f".parts.for_{task}"  # as networks.PerCorpus names it


def _get(layers: Layers, layer: str, name: str) -> Any:
    if name not in layers.get(layer, {}):
        raise KeyError(f"{layer}/{name}")
    return layers[layer][name]


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32, order="C"))


def _read_npz(path: Path) -> Layers:
    layers: Layers = {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays:
                if key.startswith("w/"):
                    _, layer, name = key.split("/")
                    layers.setdefault(layer, {})[name] = arrays[key]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); give an .npz or .h5 file") from error
    return layers


def _read_h5(path: Path) -> Layers:
    try:
        import h5py  # noqa: PLC0415 - only this function needs it
    except ImportError as error:
        raise ConfigError(f"{path}: reading Keras files needs h5py; pip install h5py") from error
    layers: Layers = {}

    def collect(key: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset):
            *_, layer, name = key.split("/")
            layers.setdefault(layer, {})[name.removesuffix(":0")] = thing[()]

    try:
        with h5py.File(path, "r") as file:
            file.get("model_weights", file).visititems(collect)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error}); give an .npz or .h5 file") from error
    return layers
