"""Do the numbers of a run follow from its predictions, and are its files those that were written?"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emonet_bench import metrics
from emonet_bench.errors import EmonetBenchError, StoreError
from emonet_bench.runs.spec import scored_corpora
from emonet_bench.runs.store import hashes, read_record

_ROUNDING = 1e-9
_PROBABILITY = 1e-5
"""Probabilities are written with six digits."""


@dataclass(frozen=True)
class Verdict:
    """What became of checking one run.

    Attributes:
        name: The run's directory.
        problems: What does not fit, a line each.
        scored: Whether the run has scores; a failed one has nothing to check.
    """

    name: str
    problems: Sequence[str]
    scored: bool = True


def verify(run: Path) -> Verdict:
    """Recompute all scores of a run from its predictions, and hash its files.

    What a record does not state (older runs have no hashes) is not checked.
    """
    try:
        record = read_record(run)
        if "error" in record:
            return Verdict(run.name, (), scored=False)
        return Verdict(run.name, [*_altered(run, record), *_wrong(run, record)])
    except (EmonetBenchError, KeyError, TypeError, ValueError) as error:
        return Verdict(run.name, [f"result.json: {error if isinstance(error, EmonetBenchError) else repr(error)}"])


def _altered(run: Path, record: Mapping[str, Any]) -> Iterator[str]:
    found = hashes(run)
    for name, expected in record.get("files", {}).items():
        if name not in found:
            yield f"{name}: missing"
        elif found[name] != expected:
            yield f"{name}: not the file that the run wrote (SHA-256 {found[name][:8]}, recorded {expected[:8]})"


def _wrong(run: Path, record: Mapping[str, Any]) -> Iterator[str]:
    corpora = [corpus for corpus, _ in scored_corpora(record["spec"])]
    joint = len(corpora) > 1
    means: dict[str, list[dict[str, Any]]] = {}
    for corpus in corpora:
        file = run / (f"predictions-{corpus}.csv" if joint else "predictions.csv")
        facts = record["corpora"][corpus] if joint else record
        for part, stated in stated_scores(record, corpus if joint else None).items():
            truth, prediction, problems = _read(file, part, facts["labels"])
            yield from problems
            own = metrics.scores(truth, prediction, facts["labels"])
            own["confusion"] = metrics.confusion(truth, prediction, facts["labels"]).tolist()
            own["clips"] = len(truth)
            stated["clips"] = facts.get("partitions", {}).get(part, {}).get("clips", len(truth))
            yield from differences(stated, own, f"{part} of {corpus}")
            means.setdefault(part, []).append(own)
    if joint:
        for part, each in means.items():
            mean = {name: sum(scores[name] for scores in each) / len(each) for name in record["scores"][part]}
            yield from differences(record["scores"][part], mean, part)


def stated_scores(record: Mapping[str, Any], corpus: str | None) -> dict[str, dict[str, Any]]:
    """Return what a record says of each partition, for one corpus of a joint run: scores and confusion."""
    if corpus is not None:
        parts = record["per_corpus"][corpus]
        return {part: {**parts[part]["scores"], "confusion": parts[part]["confusion"]} for part in parts}
    confusions = record.get("confusion", {})
    return {
        part: {**scores, **({"confusion": confusions[part]} if part in confusions else {})}
        for part, scores in record["scores"].items()
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


def _read(file: Path, partition: str, labels: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Read a partition's truths and predictions, and which predictions are not the most probable label."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["partition"] == partition]
        doubtful = [row["utterance"] for row in rows if not _likeliest(row, labels)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{file.name}: damaged or missing ({error})") from error
    problems = []
    if doubtful:
        what = f"{len(doubtful)} {partition} predictions are not the most probable label"
        problems.append(f"{file.name}: {what}, first {doubtful[0]}")
    return [row["truth"] for row in rows], [row["prediction"] for row in rows], problems


def _likeliest(row: Mapping[str, str], labels: Sequence[str]) -> bool:
    probabilities = {label: float(row[label]) for label in labels}
    return probabilities.get(row["prediction"], -1.0) >= max(probabilities.values()) - _PROBABILITY
