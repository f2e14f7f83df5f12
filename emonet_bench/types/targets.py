"""Target kinds: what there is to be predicted of a clip."""

from __future__ import annotations

from typing import Literal

TargetKind = Literal["label", "votes", "label-set", "values"]
"""One of several labels; a distribution over labels; any number of labels at once; numbers on scales."""
