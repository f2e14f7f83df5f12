"""Two runs of one specification beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_CONTEXT = ("fingerprint", "protocol_id", "environment", "plugins")


@dataclass(frozen=True)
class Reproduction:
    """How a run and its repetition differ.

    Attributes:
        scores: Stated and repeated value of each score on dev and test, by name.
        identical: Whether predictions and weights are the same to the last bit; None where the run has no hashes.
        context: What else differs: the corpus's content, versions, hardware, a line each.
    """

    scores: Mapping[str, tuple[float, float]]
    identical: bool | None
    context: tuple[str, ...]

    @property
    def difference(self) -> float:
        """The largest difference of a score."""
        return max((abs(first - second) for first, second in self.scores.values()), default=float("inf"))


def compare_records(first: Mapping[str, Any], second: Mapping[str, Any]) -> Reproduction:
    """Compare the records of a run and of its repetition.

    >>> stated = {"scores": {"test": {"uar": 0.5}}, "files": {"predictions.csv": "ab"}, "plugins": {"cnn": "1"}}
    >>> compare_records(stated, {**stated, "plugins": {"cnn": "2"}})
    Reproduction(scores={'test uar': (0.5, 0.5)}, identical=True, context=('plugins cnn: 1, now 2',))
    """
    scores = {
        f"{part} {name}": (value, second["scores"][part][name])
        for part, values in first["scores"].items()
        for name, value in values.items()
        if isinstance(value, float) and name in second["scores"][part]
    }
    files = first.get("files")
    identical = files == second.get("files") if files else None
    return Reproduction(scores, identical, tuple(_context(first, second)))


def _context(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    for key in _CONTEXT:
        old, new = first.get(key), second.get(key)
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            if old != new:
                yield f"{key}: {old}, now {new}"
            continue
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield f"{key} {name}: {old.get(name, 'none')}, now {new.get(name, 'none')}"
