"""Target vectors: what an utterance says of a target, checked, as numbers that a network is trained on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from emonet_bench.errors import CorpusError
from emonet_bench.types import Target, Utterance, names


def has_target(utterance: Utterance, target: Target) -> bool:
    """Tell whether an utterance says anything of a target."""
    said = {
        "label": utterance.label,
        "votes": utterance.votes,
        "label-set": utterance.labels,
        "values": None if utterance.values is None else utterance.values.keys() & set(target.names) or None,
    }
    return said[target.kind] is not None


def target_vector(utterance: Utterance, target: Target) -> tuple[float, ...]:
    """Return what an utterance says of a target as K numbers, in the order of the target's names.

    Args:
        utterance: One that has the target.
        target: Which.

    Returns:
        Of a label or a label set ones where a name is true; of votes each name's share, which sum to 1; of values the
        place of each attribute on its scale: -1 is its lowest number, 1 its highest.

    Raises:
        CorpusError: It says something else than the target allows; one line that names the utterance.

    >>> from pathlib import Path
    >>> clip = Utterance("a.wav", Path("a.wav"), None, votes={"joy": 3, "fear": 1}, values={"arousal": 4.0})
    >>> target_vector(clip, Target("votes", "votes", ("fear", "joy")))
    (0.25, 0.75)
    >>> target_vector(clip, Target("arousal", "values", ("arousal",), ((1, 7),)))
    (0.0,)
    """
    try:
        return _VECTORS[target.kind](utterance, target)
    except ValueError as error:
        raise CorpusError(f"{utterance.name}: {error}") from None


def _label(utterance: Utterance, target: Target) -> tuple[float, ...]:
    return _ones([] if utterance.label is None else [utterance.label], target)


def _label_set(utterance: Utterance, target: Target) -> tuple[float, ...]:
    return _ones(utterance.labels or (), target)


def _ones(true: Iterable[str], target: Target) -> tuple[float, ...]:
    _known(true, target)
    return tuple(float(name in true) for name in target.names)


def _votes(utterance: Utterance, target: Target) -> tuple[float, ...]:
    votes = utterance.votes or {}
    _known(votes, target)
    for name, count in votes.items():
        if not (math.isfinite(count) and count >= 0):
            raise ValueError(f"{count} votes for {name}; votes are numbers from 0")
    total = math.fsum(votes.values())
    if total == 0:
        raise ValueError(f"its votes for {', '.join(target.names)} sum to nothing; leave them empty where nobody voted")
    return tuple(votes.get(name, 0.0) / total for name in target.names)


def _values(utterance: Utterance, target: Target) -> tuple[float, ...]:
    values: Mapping[str, float] = utterance.values or {}
    places = []
    for name, (low, high) in zip(target.names, target.scales, strict=True):
        if name not in values:
            raise ValueError(f"has no {name}; give all of {', '.join(target.names)}, or none of them")
        if not low <= values[name] <= high:  # which is false of NaN, too
            raise ValueError(f"{name} is {values[name]:g}, outside of its scale from {low:g} to {high:g}")
        places.append((2 * values[name] - low - high) / (high - low))
    return tuple(places)


def _known(said: Iterable[str], target: Target) -> None:
    if strangers := sorted(set(said) - set(target.names)):
        raise ValueError(f"{target.name} speaks of {names(strangers)}, which is not declared")


_VECTORS = {"label": _label, "votes": _votes, "label-set": _label_set, "values": _values}
