"""One cell of a matrix and what came of it: ``RunSpec``, ``RunResult`` and ``RunError``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from emonet_bench.config import Options, Training

SCHEMA_VERSION = 1
"""Version of ``result.json``; readers accept theirs and older ones."""


class ZeroShotTarget(Options):
    """Where a trained network is scored without having been trained for it.

    Attributes:
        corpus: The corpus whose clips are scored.
        protocol: Name of its protocol, with the label map: ``speakers:4-class``. The clips are those it tests, in any
            fold.
        labels: What each of the network's labels counts as there; ``""``: its probability is dropped.
    """

    corpus: str
    protocol: str
    labels: dict[str, str]


class RunSpec(Options):
    """One cell, with every option resolved.

    Attributes:
        corpus: Name of the corpus.
        protocol: Name of its protocol.
        architecture: Name of the architecture.
        architecture_options: All of its options.
        strategy: Name of the strategy.
        strategy_options: All of its options.
        training: How it is trained.
        seed: Of everything random.
        fold: The protocol's fold, or None where it has none.
        source: None, the run id of the source cell, or the sha256 of a checkpoint.
        evaluate: None, or where the network of the run ``source`` is scored instead of training one: all else says how
            that one was trained.
    """

    corpus: str
    protocol: str
    architecture: str
    architecture_options: dict[str, Any]
    strategy: str
    strategy_options: dict[str, Any]
    training: Training
    seed: int
    fold: int | None = None
    source: str | None = None
    evaluate: ZeroShotTarget | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``evaluate`` out where it says nothing: it is not part of what identifies a training."""
        values: dict[str, Any] = serialise(self)
        return {name: value for name, value in values.items() if name != "evaluate" or value is not None}

    @property
    def title(self) -> str:
        """The cell in words: ``emodb cnn adapters s0 f3``, or ``emodb cnn scratch s0 on ravdess 4-class``."""
        fold = [] if self.fold is None else [f"f{self.fold}"]
        there = [f"on {self.evaluate.corpus} {self.evaluate.protocol.partition(':')[2]}"] if self.evaluate else []
        return " ".join([self.corpus, self.architecture, self.strategy, f"s{self.seed}", *fold, *there])


def scored_corpora(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List the corpora, each with its protocol, whose clips a run's predictions are of.

    Args:
        spec: A ``RunSpec`` as ``result.json`` holds it.

    >>> scored_corpora({"corpus": "emodb+ravdess", "protocol": "speakers+loso"})
    [('emodb', 'speakers'), ('ravdess', 'loso')]
    """
    if target := spec.get("evaluate"):
        return [(target["corpus"], target["protocol"])]
    return list(zip(spec["corpus"].split("+"), spec["protocol"].split("+"), strict=True))


def run_id(spec: RunSpec, context: Mapping[str, Any]) -> str:
    """Identify a run by everything that may change its numbers.

    Args:
        spec: The resolved cell.
        context: Corpus fingerprint(s), protocol id(s) and the versions of the plugins involved.

    Returns:
        16 hexadecimal digits of a SHA-256.
    """
    recipe = json.dumps({"spec": spec.model_dump(mode="json"), "context": context}, sort_keys=True)
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def directory_name(spec: RunSpec, identity: str) -> str:
    """Name a run's directory: ``emodb-cnn-scratch-s0-f3-1a2b3c4d``."""
    return f"{spec.title.replace(' ', '-')}-{identity[:8]}"


@dataclass(frozen=True)
class RunError:
    """Why a run failed."""

    type: str
    message: str
    traceback: str


@dataclass(frozen=True)
class RunResult:
    """What came of a run; ``record`` is the content of its ``result.json``.

    Attributes:
        run_id: Identity of the run.
        spec: The cell.
        record: Everything that was written down: scores, parameters, seconds, environment and more.
        error: Why it failed, or None.
    """

    run_id: str
    spec: RunSpec
    record: Mapping[str, Any] = field(default_factory=dict)
    error: RunError | None = None


@dataclass(frozen=True)
class Cell:
    """One cell of a planned matrix.

    Attributes:
        spec: What to run.
        run_id: Identity of the run.
        source: Run id of the cell that must be finished before, or None.
        source_file: A checkpoint to start from that is no cell of the matrix, or None.
        wanted: Whether the matrix asks for it; otherwise it only serves as a source.
        skip: Why it cannot be run, or None.
        context: What its identity rests on beside the specification; empty where nothing was planned.
    """

    spec: RunSpec
    run_id: str
    source: str | None = None
    source_file: Path | None = None
    wanted: bool = True
    skip: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
