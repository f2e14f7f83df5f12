"""MLflow's parameters and metrics of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from emonet_bench.runs.spec import RunSpec

_LONGEST = 250  # characters of a name in MLflow
_PARTS = {"architecture_options", "strategy_options", "training"}


def parameters(spec: RunSpec) -> dict[str, str]:
    """Return everything that was chosen for a run, options under the names that a matrix file has them under."""
    said = spec.model_dump(mode="json")
    tables = {
        spec.architecture: spec.architecture_options,
        spec.strategy: spec.strategy_options,
        "training": said["training"],
    }
    plain = {name: value for name, value in said.items() if name not in _PARTS}
    chosen = dict(_flat(plain, ".")) | dict(_flat(tables, "."))
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in chosen.items()}


def epoch_metrics(scores: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers of an epoch: ``loss``, ``dev_uar``, ``learning_rate``, ``seconds``."""
    return {name: value for name, value in _flat(scores, "/") if name != "epoch"}


def final_metrics(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a finished run: ``test/uar``, ``test/recall/anger``, ``seconds/train``.

    Those of one corpus of a joint run are ``emodb/test/uar``, those that a plugin adds ``energy/joules``.

    Args:
        record: Content of its ``result.json``.
    """
    parts = {part: _scores(scores) for part, scores in (record.get("scores") or {}).items()}
    joint = {
        corpus: {part: _scores(both["scores"]) for part, both in scored.items()}
        for corpus, scored in (record.get("per_corpus") or {}).items()
    }
    others = {name: record.get(name) for name in ("best_epoch", "parameters", "peak_memory_mb", "seconds")}
    return {
        name: float(value) for name, value in _flat({**joint, **parts, **others}, "/") if isinstance(value, int | float)
    }


def _scores(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Put metrics by name beside the others."""
    return {**{name: value for name, value in scores.items() if name != "metrics"}, **(scores.get("metrics") or {})}


def _flat(values: Mapping[str, Any], between: str, before: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through what is said in nested mappings; a name's own odd characters become underscores."""
    for key, value in values.items():
        name = (before + re.sub(r"[^\w :-]", "_", str(key)))[:_LONGEST]
        if isinstance(value, Mapping):
            yield from _flat(value, between, name + between)
        elif value is not None:
            yield name, value
