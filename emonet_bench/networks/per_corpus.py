"""Per-corpus parts of a network, which each corpus has for itself: batch norms, pooling, adapters, heads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import nn

_PREFIX = "for_"  # nn.ModuleDict refuses names such as "train"
_PART = re.compile(rf"\.parts\.{_PREFIX}([^.]+)\.")


class PerCorpus(nn.Module):
    """The same part once for each corpus, one of them active."""

    def __init__(self, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({_PREFIX + corpus: part for corpus, part in parts.items()})
        self.select(next(iter(parts)))

    def select(self, corpus: str) -> None:
        """Make one corpus's part the active one."""
        self._active = _PREFIX + corpus

    def of(self, corpus: str) -> nn.Module:
        """Return one corpus's part."""
        return self.parts[_PREFIX + corpus]

    @property
    def active(self) -> nn.Module:
        """The active part."""
        return self.parts[self._active]

    def forward(self, *inputs: Any) -> Any:
        """Run the active part."""
        return self.active(*inputs)


def corpus_of(tensor: str) -> str | None:
    """Tell which corpus a tensor of a ``state_dict`` belongs to, by its name; None: it is shared.

    >>> corpus_of("network.norm.parts.for_emodb.weight"), corpus_of("network.stem.weight")
    ('emodb', None)
    """
    found = _PART.search(tensor)
    return found[1] if found else None


def without_corpus(tensor: str) -> str:
    """Name a corpus's tensor as in a network without branches.

    >>> without_corpus("network.norm.parts.for_emodb.weight")
    'network.norm.weight'
    """
    return _PART.sub(".", tensor)


def active(module: nn.Module) -> nn.Module:
    """Return the active part where a module is made of branches, otherwise the module itself."""
    return module.active if isinstance(module, PerCorpus) else module
