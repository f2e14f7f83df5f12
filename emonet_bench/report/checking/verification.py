"""Verification: do the numbers of a run follow from its predictions, and are its files those that were written?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from emonet_bench import metrics
from emonet_bench.errors import ConfigError, EmonetBenchError, StoreError
from emonet_bench.metrics.targets import target_scores
from emonet_bench.report.checking.selection import Choose, selection_problems
from emonet_bench.report.choice import wanted_metric
from emonet_bench.runs.facts import target_of
from emonet_bench.runs.files import CHECKPOINT, RunFiles
from emonet_bench.runs.predictions import PredictionTable
from emonet_bench.runs.record import RunRecord
from emonet_bench.types import Partition

_ROUNDING = 1e-9
_PROBABILITY = 1e-5
"""Probabilities are written with six digits."""

_WEIGHTS = Path(CHECKPOINT).suffix

_COMPLETE = 2  # from this schema on, a record states everything that can be checked


@dataclass(frozen=True)
class Verdict:
    """What became of checking one run.

    Attributes:
        name: The run's directory.
        problems: What does not fit, a line each.
        record: What the run says, or None where that cannot be read.
        unchecked: What could not be checked here, a line each.
    """

    name: str
    problems: Sequence[str]
    record: RunRecord | None = None
    unchecked: Sequence[str] = ()

    @property
    def scored(self) -> bool:
        """Whether the run should have scores; a failed one has nothing to check."""
        return self.record is None or not self.record.failed

    @property
    def external(self) -> bool:
        """Whether its predictions were made elsewhere."""
        return self.record is not None and self.record.spec.external is not None


def verify(run: Path, choose: Choose = wanted_metric, *, weights: bool = True) -> Verdict:
    """Recompute all scores of a run from its predictions, and hash its files.

    What a record of schema 1 does not state (older runs have no hashes) is not checked.

    Args:
        run: Its directory.
        choose: Looks up the metric that has selected on dev.
        weights: Whether they should be there; no score here rests on them, and published results may lack them.
    """
    files, record = RunFiles(run), None
    problems: list[str] = []
    unchecked: list[str] = []
    try:
        record = files.read_record()
        if not record.failed:
            problems += _altered(files, record, weights=weights)
            problems += _wrong(files, record)
            problems += selection_problems(files, record, choose)
    except ConfigError as error:
        unchecked.append(f"what selects on dev is not computed again: {error}")
    except EmonetBenchError as error:
        problems.append(str(error).replace(f"{run}/", ""))
    return Verdict(run.name, problems, record, unchecked)


def _altered(files: RunFiles, record: RunRecord, *, weights: bool) -> Iterator[str]:
    found = files.hashes()
    for name, expected in record.files.items():
        if name not in found:
            if weights or not name.endswith(_WEIGHTS):
                yield f"{name}: missing"
        elif found[name] != expected:
            yield f"{name}: not the file that the run wrote (SHA-256 {found[name][:8]}, recorded {expected[:8]})"
    if record.schema_version >= _COMPLETE:
        yield from (f"{name}: the record states no hash of it" for name in expected_files(record) - record.files.keys())


def expected_files(record: RunRecord) -> set[str]:
    """Name the files that the scores of a run rest on."""
    corpora = [ref.name for ref in record.spec.scored_corpora()] if record.joint else [None]
    names = {RunFiles(Path()).predictions(corpus).name for corpus in corpora}
    return names if record.spec.evaluate or record.spec.external else names | {CHECKPOINT}


def _wrong(files: RunFiles, record: RunRecord) -> Iterator[str]:
    own: dict[str, list[dict[str, Any]]] = {}
    for corpus in (ref.name for ref in record.spec.scored_corpora()):
        labelled = record.facts(corpus).target is None
        for part, scores in _checked(record, corpus, files) if labelled else _checked_target(record, corpus, files):
            own.setdefault(part, []).append(scores)
            yield from scores.pop("problems")
    if record.joint:
        for part, stated in (record.scores or {}).items():
            names = [name for name in ("uar", "accuracy") if getattr(stated, name) is not None]
            mean = {name: fmean(scores[name] for scores in own.get(part, [])) for name in names if own.get(part)}
            yield from differences({name: getattr(stated, name) for name in names}, mean, part)


def _checked(record: RunRecord, corpus: str, files: RunFiles) -> Iterator[tuple[Partition, dict[str, Any]]]:
    """Score each partition of a corpus; ``problems`` of a partition are what does not fit."""
    facts, stated, table = record.facts(corpus), stated_scores(record, corpus), files.read_predictions(record, corpus)
    complete = record.schema_version >= _COMPLETE
    for part, said in stated.items():
        where, rows = f"{part} of {corpus}", table.part(part)
        truth, prediction = rows.truth, rows.prediction
        if not truth:
            raise StoreError(f"{table.file.name}: no prediction on {part}")
        own = metrics.scores(truth, prediction, facts.labels)
        own["confusion"] = metrics.confusion(truth, prediction, facts.labels).tolist()
        own["clips"] = len(truth)
        if part in facts.partitions:
            said["clips"] = facts.partitions[part].clips
        problems = [*_doubtful(rows, part), *differences(said, own, where)]
        if complete:
            problems += [f"{name} on {where}: not stated" for name in own if name not in said]
        yield part, {**own, "problems": problems}
    if complete and (more := {row[1] for row in table.rows} - stated.keys()):
        raise StoreError(f"{table.file.name}: predictions on {min(more)}, of which the record says nothing")


def _checked_target(record: RunRecord, corpus: str, files: RunFiles) -> Iterator[tuple[Partition, dict[str, Any]]]:
    """Score each partition of a corpus whose target is no label, as ``_checked`` does."""
    facts, table = record.facts(corpus), files.read_target_predictions(record, corpus)
    for part, said in stated_scores(record, corpus).items():
        rows = table.part(part)
        if not rows.utterances:
            raise StoreError(f"{table.file.name}: no prediction on {part}")
        own = {"metrics": target_scores(target_of(facts), rows.truth, rows.predicted), "clips": len(rows.utterances)}
        if part in facts.partitions:
            said["clips"] = facts.partitions[part].clips
        yield part, {**own, "problems": [*differences(said, own, f"{part} of {corpus}")]}


def stated_scores(record: RunRecord, corpus: str) -> dict[Partition, dict[str, Any]]:
    """Return what a record says of a corpus on each partition, as far as it does: scores and confusion."""
    return {
        part: {
            **scores.model_dump(exclude_none=True, exclude={"recall"}),
            **({} if scores.recall is None else {"recall": scores.recall}),
            **({} if confusion is None else {"confusion": confusion}),
        }
        for part, (scores, confusion) in record.scored(corpus).items()
    }


def differences(
    stated: Mapping[str, Any], own: Mapping[str, Any], where: str, givers: str = "the predictions give"
) -> Iterator[str]:
    """Yield a line for each score that is not as stated.

    Args:
        stated: What a record says.
        own: What was computed; what it does not hold is not compared.
        where: Which partition of which corpus.
        givers: What it was computed from, with its verb.
    """
    for name, said in stated.items():
        if name in own and not _equal(said, own[name]):
            yield f"{name} on {where}: stated {_short(said)}, but {givers} {_short(own[name])}"


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(_equal(first[name], second[name]) for name in first)
    if isinstance(first, float | int) and isinstance(second, float | int):
        return abs(first - second) < _ROUNDING
    return bool(first == second)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(inner)}" for name, inner in value.items())
    return str(value)


def _doubtful(rows: PredictionTable, part: str) -> Iterator[str]:
    """Say which predictions are not the most probable label."""
    doubtful = [
        name
        for name, sure, each in zip(rows.utterances, rows.confidence(), rows.probabilities(), strict=True)
        if sure < max(each) - _PROBABILITY
    ]
    if doubtful:
        what = f"{len(doubtful)} {part} predictions are not the most probable label"
        yield f"{rows.file.name}: {what}, first {doubtful[0]}"
