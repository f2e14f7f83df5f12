"""Targets of a card: what it declares of them, and how an utterance's are made of what names and tables say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from emonet_bench.config import Options
from emonet_bench.data.consensus import ConsensusRule, all_above_chance, consensus
from emonet_bench.errors import CorpusError
from emonet_bench.types import Target, TargetKind

VOTE = "vote"
"""The group of a table's row that reads a vote, a code; ``vote1``, ``vote2`` ... where a row holds several."""


def is_vote(group: str) -> bool:
    """Tell whether a group reads a vote."""
    return group.rstrip("0123456789") == VOTE


Group = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]


class TargetCard(Options):
    """A target beside the label.

    Attributes:
        kind: Votes come from rows with the group ``vote``; values from groups that are called as the attributes; a
            label set is made of the votes: all labels whose share is above 1 / C.
        codes: Of votes: codes in rows and the labels they mean, in the declared order; votes that mean ``""`` are not
            counted.
        scales: Of values: the lowest and the highest number of each attribute.
        consensus: Of votes: the rule that makes the label of utterances which nothing else labels.
    """

    kind: TargetKind
    codes: dict[str, str] = Field(default={})
    scales: dict[Group, tuple[float, float]] = Field(default={})
    consensus: ConsensusRule | None = None

    @model_validator(mode="after")
    def _of_its_kind(self) -> TargetCard:
        if self.kind == "label":
            raise ValueError("kind: the label is a target by itself; give votes, label-set or values")
        if (self.kind == "values") != bool(self.scales) or (self.kind == "votes") != bool(self.codes):
            raise ValueError("votes need codes, values need scales, and neither goes with another kind")
        if self.consensus and self.kind != "votes":
            raise ValueError("consensus: is made of votes only")
        return self


Targets = dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")], TargetCard]


def check_targets(targets: Mapping[str, TargetCard]) -> None:
    """Hold the targets of a card together.

    Raises:
        ValueError: Two share a kind that an utterance has one of, or a label set has no votes to be made of.
    """
    kinds = [target.kind for target in targets.values()]
    if kinds.count("votes") > 1 or kinds.count("label-set") > 1:
        raise ValueError("targets: an utterance has votes once, and one set of labels")
    if "label-set" in kinds and "votes" not in kinds:
        raise ValueError("targets: a label set is made of votes; declare them, too")
    attributes = [name for target in targets.values() for name in target.scales]
    if len(attributes) > len(set(attributes)):
        raise ValueError("targets: two have an attribute of one name")


def attributes_of(targets: Mapping[str, TargetCard]) -> frozenset[str]:
    """Name the groups that expressions may read for targets."""
    names = {name for target in targets.values() for name in target.scales}
    return frozenset(names | ({VOTE} if any(target.kind == "votes" for target in targets.values()) else set()))


def targets_of(targets: Mapping[str, TargetCard]) -> tuple[Target, ...]:
    """Return the targets that a card declares."""
    labels = tuple(dict.fromkeys(label for target in targets.values() for label in target.codes.values() if label))
    return tuple(
        Target(name, one.kind, tuple(one.scales) or labels, tuple(one.scales.values())) for name, one in targets.items()
    )


def read_targets(
    targets: Mapping[str, TargetCard], said: Mapping[str, str], votes: Mapping[str, int]
) -> dict[str, Any]:
    """Make the fields of an utterance that hold its targets.

    Args:
        targets: What the card declares.
        said: What the groups of names and tables read of it.
        votes: How many rows voted for each code.

    Returns:
        ``votes``, ``labels`` and ``values`` as far as something is known, and ``label`` where votes make it.

    Raises:
        CorpusError: A code has no meaning, or a number is none; the message names no file.
    """
    found: dict[str, Any] = {}
    values = {
        name: _number(name, said[name]) for target in targets.values() for name in target.scales if said.get(name)
    }
    if values:
        found["values"] = values
    for target in targets.values():
        if target.kind == "votes" and any((counted := _counted(target, votes)).values()):
            found["votes"] = counted
            if target.consensus and (label := consensus(counted, target.consensus)):
                found["label"] = label
            if any(other.kind == "label-set" for other in targets.values()):
                found["labels"] = all_above_chance(counted, len(counted))
    return found


def _counted(target: TargetCard, votes: Mapping[str, int]) -> dict[str, float]:
    counted = dict.fromkeys(filter(None, target.codes.values()), 0.0)
    for code, count in votes.items():
        if code not in target.codes:
            raise CorpusError(f"its card has no vote for the code {code!r}")
        if label := target.codes[code]:
            counted[label] += count
    return counted


def _number(name: str, text: str) -> float:
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        raise CorpusError(f"{name} must be a number; its card reads {text!r}")
    return float(text)
