"""Adapter points: finding them in a network and putting a part for each corpus there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from emonet_bench.networks.per_corpus import PerCorpus


def parent_and_attribute(network: nn.Module, path: str) -> tuple[nn.Module, str]:
    """Find the module that owns a dotted path, and the attribute's name."""
    owner, _, name = path.rpartition(".")
    return network.get_submodule(owner), name


def install_per_corpus(
    network: Any, corpora: Sequence[str], make: Mapping[str, Callable[..., nn.Module]]
) -> list[PerCorpus]:
    """Install a part for each corpus at every adapter point of some kinds.

    Args:
        network: What the architecture built.
        corpora: Names of the corpora.
        make: For each kind (see ``AdapterPoint``), ``make(point, present)`` returns one corpus's part; ``present`` is
            what stands at the point now (None in an empty slot).

    Returns:
        What was installed.
    """
    installed = []
    for point in network.adapter_points().values():
        if point.kind in make:
            owner, name = parent_and_attribute(network, point.path)
            present = getattr(owner, name)
            parts = PerCorpus({corpus: make[point.kind](point, present) for corpus in corpora})
            setattr(owner, name, parts)
            installed.append(parts)
    return installed
