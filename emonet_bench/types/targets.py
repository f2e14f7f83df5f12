"""Target: what is to be predicted of a clip. No torch at import.

``emonet_bench.types`` has these names, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from emonet_bench.errors import ConfigError

TargetKind = Literal["label", "votes", "label-set", "values"]
"""One of several labels; a distribution over labels; any number of labels at once; numbers on scales."""

USUAL_LOSSES: Mapping[TargetKind, str] = {
    "label": "crossentropy",
    "votes": "crossentropy",
    "label-set": "bce",
    "values": "ccc",
}
"""The loss of an auxiliary target where a recipe names none."""

LABEL = "label"
"""Name of the target that every corpus with labels has: one of them for each clip."""


@dataclass(frozen=True)
class Target:
    """What is to be predicted of a clip.

    Attributes:
        name: How protocols name it.
        kind: ``label``: one of the names. ``votes``: how many annotators chose each name. ``label-set``: those of the
            names that are true. ``values``: a number for each name, an attribute such as arousal.
        names: The K labels or attributes, in order.
        scales: Of ``values`` the lowest and the highest number of each attribute; otherwise empty.
    """

    name: str
    kind: TargetKind
    names: tuple[str, ...]
    scales: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        where = f"target {self.name!r}"
        if self.kind not in get_args(TargetKind):
            raise ConfigError(f"{where}: unknown kind {self.kind!r}; known: {', '.join(get_args(TargetKind))}")
        least = 1 if self.kind == "values" else 2
        if len(self.names) < least or len(set(self.names)) != len(self.names):
            raise ConfigError(f"{where}: needs at least {least} names, each once; has {list(self.names)}")
        if len(self.scales) != (len(self.names) if self.kind == "values" else 0):
            raise ConfigError(f"{where}: has {len(self.scales)} scales; give one for each attribute, of 'values' only")
        for name, (low, high) in zip(self.names, self.scales, strict=False):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ConfigError(f"{where}: the scale of {name} goes from {low} to {high}; it must rise")

    @property
    def output(self) -> Literal["probabilities", "scores", "values"]:
        """What predictions of it are called: probabilities sum to 1, scores are each for itself."""
        if self.kind == "values":
            return "values"
        return "scores" if self.kind == "label-set" else "probabilities"
