"""Consensus rules: one label, or a set of labels, of annotators' votes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

ConsensusRule = Literal["majority", "plurality"]
"""``majority``: the label with more than half of the votes; ``plurality``: the one with more than any other."""


def consensus(votes: Mapping[str, float], rule: ConsensusRule) -> str | None:
    """Return the label that annotators agree on, or None.

    >>> votes = {"joy": 2, "fear": 1, "anger": 1}
    >>> consensus(votes, "plurality"), consensus(votes, "majority"), consensus({"joy": 1, "fear": 1}, "plurality")
    ('joy', None, None)
    """
    best = max(votes.values(), default=0)
    first = [label for label, count in votes.items() if count == best and best > 0]
    clear = len(first) == 1 and (rule == "plurality" or 2 * best > math.fsum(votes.values()))
    return first[0] if clear else None


def all_above_chance(votes: Mapping[str, float], classes: int) -> frozenset[str]:
    """Return all labels whose share of the votes is above 1 / C (EMO-SUPERB, Wu et al., 2024).

    Args:
        votes: Of one utterance.
        classes: The number C of labels that annotators could choose from.

    >>> sorted(all_above_chance({"joy": 2, "fear": 2, "anger": 1}, 4))
    ['fear', 'joy']
    """
    total = math.fsum(votes.values())
    return frozenset(label for label, count in votes.items() if count * classes > total)
