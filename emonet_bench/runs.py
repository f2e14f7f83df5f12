"""One cell of a matrix and what came of it: ``RunSpec``, ``RunResult`` and ``RunError``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emonet_bench.config import Options, Training

SCHEMA_VERSION = 1
"""Version of ``result.json``; readers accept theirs and older ones."""


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

    @property
    def title(self) -> str:
        """The cell in words: ``emodb cnn adapters s0 f3``."""
        fold = [] if self.fold is None else [f"f{self.fold}"]
        return " ".join([self.corpus, self.architecture, self.strategy, f"s{self.seed}", *fold])


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
    """

    spec: RunSpec
    run_id: str
    source: str | None = None
    source_file: Path | None = None
    wanted: bool = True
    skip: str | None = None
