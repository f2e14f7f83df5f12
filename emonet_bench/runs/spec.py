"""The specification of a run, its identity and its directory's name: ``RunSpec``, ``Cell`` and ``RunResult``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from emonet_bench.config import Options, Training
from emonet_bench.data.corpus_ref import CorpusRef, split_refs
from emonet_bench.files import LONGEST_NAME
from emonet_bench.runs.lock import SUFFIX
from emonet_bench.runs.search import Search, SearchFacts

if TYPE_CHECKING:
    from emonet_bench.runs.facts import RunError

SCHEMA_VERSION = 2
"""Version of a run's directory, ``result.json`` and the tables beside it; readers accept theirs and older ones."""


class ZeroShotTarget(Options):
    """Where a trained network is scored without having been trained for it."""

    corpus: str = Field(description="The corpus whose clips are scored.")
    protocol: str = Field(
        description="Name of its protocol, with the label map: `speakers:4-class`. The clips are those it tests, in "
        "any fold."
    )
    labels: dict[str, str] = Field(
        description="What each of the network's labels counts as there; where it is empty, its probability is dropped."
    )

    @property
    def ref(self) -> CorpusRef:
        """The corpus under its protocol and label map."""
        return CorpusRef.of(self.corpus, self.protocol)


EXTERNAL = "external"
"""The strategy of predictions that were made elsewhere."""


Gives = Literal["labels", "probabilities", "scores", "values"]
"""What predictions that were made elsewhere hold."""


class ExternalPredictions(Options):
    """Predictions that were made elsewhere."""

    sha256: str = Field(description="SHA-256 of the file that they were read from.")
    gives: Gives = Field(description="What it holds; a label alone stands with probability 1 in `predictions.csv`.")


class PretrainedTeacher(Options):
    """A network that teaches as it is built: a pretrained backbone, or functionals."""

    architecture: str = Field(description="Name of its architecture.")
    options: dict[str, Any] = Field(description="All of its options.")


class RunSpec(Options):
    """One cell, with every option resolved."""

    later = ("evaluate", "trial", "search", "external", "teacher", "unlabelled")

    corpus: str = Field(description="Name of the corpus; of a joint run the names of all, joined by `+`.")
    protocol: str = Field(description="Name of its protocol, with the label map where there is one; likewise.")
    architecture: str = Field(description="Name of the architecture.")
    architecture_options: dict[str, Any] = Field(description="All of its options.")
    strategy: str = Field(description="Name of the strategy.")
    strategy_options: dict[str, Any] = Field(description="All of its options.")
    training: Training = Field(description="How it is trained: every [training option](options.md).")
    seed: int = Field(description="Of everything random.")
    fold: int | None = Field(None, description="The protocol's fold; null where it has none.")
    source: str | None = Field(
        None,
        description="The run id of the source or teacher, or the SHA-256 of a checkpoint; null where there is none.",
    )
    evaluate: ZeroShotTarget | None = Field(
        None,
        description="Only where the network of the run `source` is scored on another corpus instead of training one: "
        "all else in the spec says how that one was trained. The facts in the record are those of the corpus that is "
        "scored, `scores` and `confusion` hold `test` alone, and there are neither weights nor a history.",
    )
    trial: bool = Field(
        default=False,
        description="Whether it is a trial of a search: it never hears the test partition, and `scores`, `confusion` "
        "and the predictions hold `dev` alone.",
    )
    search: Search | None = Field(
        None, description="The search that chose the options of the run; null where they were given."
    )

    external: ExternalPredictions | None = Field(
        None,
        description="Only where the predictions were made elsewhere and read by `emonet-bench score`: `architecture` "
        "is their name, `strategy` is `external`, and `training` says nothing. `scores` and `confusion` hold `test` "
        "(and `dev`, where a metric tuned on it), and there are neither weights nor a history.",
    )

    teacher: PretrainedTeacher | None = Field(
        None, description="Only where a network that is not trained teaches; one that is trained is the run `source`."
    )
    unlabelled: dict[str, str] | None = Field(
        None,
        description="Only where the network also learns from clips without their labels: the other corpora whose train "
        "clips of the same fold these are, with their protocols.",
    )

    @property
    def title(self) -> str:
        """The cell in words: ``emodb cnn adapters s0 f3``, or ``emodb cnn scratch s0 on ravdess 4-class``."""
        fold = [] if self.fold is None else [f"f{self.fold}"]
        there = [f"on {self.evaluate.corpus} {self.evaluate.ref.label_map}"] if self.evaluate else []
        search = ["trial"] if self.trial else ["tuned"] if self.search else []
        return " ".join([self.corpus, self.architecture, self.strategy, f"s{self.seed}", *fold, *search, *there])

    def trained_corpora(self) -> tuple[CorpusRef, ...]:
        """List the corpora that the network is trained on."""
        return split_refs(self.corpus, self.protocol)

    def unlabelled_corpora(self) -> tuple[CorpusRef, ...]:
        """List the corpora that the network hears without labels."""
        return tuple(CorpusRef.of(name, division) for name, division in (self.unlabelled or {}).items())

    def scored_corpora(self) -> tuple[CorpusRef, ...]:
        """List the corpora whose clips the run's predictions are of."""
        return (self.evaluate.ref,) if self.evaluate else self.trained_corpora()


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
    """Name a run's directory: ``emodb-cnn-scratch-s0-f3-1a2b3c4d``.

    A name that no file system would take, its lock's suffix included, is cut and told apart by a hash of itself: that
    of a joint run of many corpora.
    """
    title, end = spec.title.replace(" ", "-"), f"-{identity[:8]}"
    room = LONGEST_NAME - len(SUFFIX) - len(end)
    encoded = title.encode()
    if len(encoded) > room:
        digest = hashlib.sha256(encoded).hexdigest()[:8]
        title = f"{encoded[: room - len(digest) - 1].decode(errors='ignore')}-{digest}"
    return title + end


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
        chosen: Of a tuned run: the run id of the trial whose weights it takes over; None: it is trained.
        search: Of a tuned run: what came of its search.
    """

    spec: RunSpec
    run_id: str
    source: str | None = None
    source_file: Path | None = None
    wanted: bool = True
    skip: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    chosen: str | None = None
    search: SearchFacts | None = None
