"""Comparison of a run with its repetition: every score, the confusions, the files and what surrounds them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from emonet_bench.report.checking.verification import expected_files
from emonet_bench.runs.facts import CorpusFacts
from emonet_bench.runs.record import RunRecord


@dataclass(frozen=True)
class Reproduction:
    """How a run and its repetition differ.

    Attributes:
        scores: Stated and repeated value of each score, recall and entry of a confusion (as a share of its row), by
            name; None where one of them does not state it.
        identical: Whether predictions and weights are the same to the last bit, and all scores with them; None where
            the run has no hashes.
        context: What else differs: the corpus's content, versions, hardware, a line each.
    """

    scores: Mapping[str, tuple[float | None, float | None]]
    identical: bool | None
    context: tuple[str, ...]

    @property
    def difference(self) -> float:
        """The largest difference of a score; infinite where one of the runs does not state it."""
        return max((_distance(*both) for both in self.scores.values()), default=math.inf)


def compare_records(first: RunRecord, second: RunRecord) -> Reproduction:
    """Compare the records of a run and of its repetition; all that either of them states is compared."""
    stated, repeated = _scores(first), _scores(second)
    scores = {name: (stated.get(name), repeated.get(name)) for name in {**stated, **repeated}}
    found = Reproduction(scores, None, tuple(_context(first, second)))
    if not first.files:
        return found
    same = first.files == second.files and expected_files(first) <= first.files.keys()
    return Reproduction(scores, same and found.difference == 0, found.context)


def _distance(first: float | None, second: float | None) -> float:
    if first is None or second is None:
        return 0.0 if first is second else math.inf
    return abs(first - second)


def _scores(record: RunRecord) -> dict[str, float | None]:
    """List every number that a record states of its predictions, by name."""
    found: dict[str, float | None] = {}
    for part, scores in (record.scores or {}).items():
        found |= {f"{part} {name}": value for name, value in scores.model_dump(exclude={"recall"}).items()}
    for corpus in (ref.name for ref in record.spec.scored_corpora()):
        labels = record.facts(corpus).labels
        for part, (scores, confusion) in record.scored(corpus).items():
            where = f"{part} of {corpus}" if record.joint else part
            if record.joint:
                found |= {f"{where} {name}": value for name, value in scores.model_dump(exclude={"recall"}).items()}
            found |= {f"{where} recall of {label}": value for label, value in (scores.recall or {}).items()}
            for truth, row in zip(labels, confusion or (), strict=False):
                shares = {
                    f"{where} {truth} as {guess}": count / max(1, sum(row))
                    for guess, count in zip(labels, row, strict=True)
                }
                found |= shares
                found[f"{where} clips of {truth}"] = float(sum(row))
    return found


def _context(first: RunRecord, second: RunRecord) -> Iterator[str]:
    for name, old, new in (
        ("environment", first.environment, second.environment),
        ("plugins", first.plugins, second.plugins),
    ):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                yield f"{name} {key}: {old.get(key, 'none')}, now {new.get(key, 'none')}"
    for corpus in (ref.name for ref in first.spec.scored_corpora()):
        yield from _facts(first.facts(corpus), second.facts(corpus), f" of {corpus}" if first.joint else "")


def _facts(old: CorpusFacts, new: CorpusFacts, where: str) -> Iterator[str]:
    for name in ("fingerprint", "protocol_id", "labels", "partitions"):
        before, now = getattr(old, name), getattr(new, name)
        if before and before != now:
            yield f"{name}{where}: " + (f"{before}, now {now}" if isinstance(before, str) else "not as stated")
