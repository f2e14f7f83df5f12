"""The record of a run: ``RunRecord`` is the description of ``result.json``, for writers and readers alike.

What is written is held to it to the letter. What is read may come from a stranger: types are strict, numbers finite,
names single names, and texts and lists bounded, so that a record that has been read can be used without a second look.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from emonet_bench.errors import ConfigError, StoreError
from emonet_bench.runs.facts import (
    LARGEST_EXTENSION,
    CorpusFacts,
    Count,
    Exported,
    Extension,
    FileName,
    Line,
    Name,
    Parameters,
    Part,
    RunError,
    RunId,
    ScoredPartition,
    Scores,
    Seconds,
    SelectionFacts,
    Sha256,
    Table,
    Text,
    parse_json,
    stated,
    target_of,
)
from emonet_bench.runs.record_messages import first_mistake, other_version
from emonet_bench.runs.search import SearchFacts
from emonet_bench.runs.spec import SCHEMA_VERSION, RunSpec
from emonet_bench.types import Partition, check_name
from emonet_bench.validation_messages import did_you_mean

LONGEST_RECORD = 16 * 2**20
"""Bytes of the largest ``result.json`` that is read."""

_SOURCE = re.compile(r"[0-9a-f]{16}|[0-9a-f]{64}")


class RunHeader(Part):
    """What identifies a run and says how it was made; known before it starts."""

    schema_version: Annotated[int, Field(ge=1)] = Field(description=f"Version of this description: {SCHEMA_VERSION}.")
    run_id: RunId = Field(
        description="16 hexadecimal digits: hash of the spec, the corpus fingerprint, the protocol id and the versions "
        "of the plugins involved."
    )
    spec: RunSpec = Field(description="The cell, with every option resolved.")
    environment: dict[Name, Line] = Field(
        default_factory=dict, description="Versions of Python, torch and emonet-bench, device, platform."
    )
    plugins: dict[Name, Line] = Field(
        default_factory=dict, description="Name and version of every plugin; code that is no release has its hash."
    )


class RunRecord(CorpusFacts, RunHeader):
    """Content of ``result.json``. The facts of a run's only corpus stand in the record itself."""

    corpora: dict[Name, CorpusFacts] | None = Field(
        None, description="Of a joint run: the facts above for each corpus, instead of those above."
    )
    scores: dict[Partition, Scores] | None = Field(
        None, description="On `dev` and `test`; of a trial on `dev`; of a joint run the means over its corpora."
    )
    selection: SelectionFacts | None = Field(None, description="What `training.selection` says of dev, if it is named.")
    per_corpus: dict[Name, dict[Partition, ScoredPartition]] | None = Field(
        None, description="Of a joint run: scores and confusion of each corpus on each partition."
    )
    confusion: dict[Partition, Table] | None = Field(
        None, description="Counts on `dev` and `test`; rows are truth, columns prediction, in the order of `labels`."
    )
    parameters: Parameters | None = Field(None, description="Of the network.")
    best_epoch: Count | None = Field(None, description="The best epoch on dev, whose weights are kept.")
    seconds: dict[Name, Seconds] = Field(default_factory=dict, description="Of `load`, `train`, `evaluate`.")
    peak_memory_mb: Count | None = Field(None, description="MiB, of the process (on cuda: of the device).")
    notes: dict[Name, Text] = Field(
        default_factory=dict,
        description="Decisions of the strategy, word for word; `halved_batch` where a batch did not fit into GPU "
        "memory, `not_alone` where a clip is predicted otherwise alone than beside others, `trained_inside` where "
        "layers above a frozen part, or all of a network that may have one, were trained.",
    )
    onnx: Exported | dict[Name, Exported] | None = Field(
        None, description="With `--export`; of a joint run for each corpus."
    )
    search: SearchFacts | None = Field(None, description="Of a tuned run: what came of its search.")
    extensions: dict[Name, Extension] = Field(
        default_factory=dict,
        description="What plugins add (`emonet_extend_record`), each under its own name, such as `energy`; at most "
        f"{LARGEST_EXTENSION:,} characters each.",
    )
    error: RunError | None = Field(None, description="Instead of `scores`: why the run failed.")
    files: dict[FileName, Sha256] = Field(
        default_factory=dict,
        description="SHA-256 of the predictions and of the weights, by file name; `emonet-bench verify` checks them.",
    )
    started: Line = Field("", description="UTC, ISO 8601.")
    finished: Line = Field("", description="UTC, ISO 8601.")

    @model_validator(mode="after")
    def _names(self) -> Self:
        """Hold what becomes part of file names to what such names may be."""
        try:
            trained = [ref.name for ref in self.spec.trained_corpora()]
        except ValueError:
            raise ValueError("spec.corpus and spec.protocol name different numbers of corpora and protocols") from None
        corpora = [ref.name for ref in self.spec.scored_corpora()]
        try:
            for corpus in (*trained, *corpora, *(self.spec.unlabelled or ())):
                check_name("corpus", corpus)
            check_name("architecture", self.spec.architecture)
            check_name("strategy", self.spec.strategy)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if self.joint and len(set(corpora)) < len(corpora):
            raise ValueError("spec.corpus names a corpus twice")
        if self.spec.source is not None and not _SOURCE.fullmatch(self.spec.source):
            raise ValueError("spec.source is neither the id of a run nor the SHA-256 of a checkpoint")
        if self.spec.evaluate is not None and self.spec.source is None:
            raise ValueError("spec.evaluate without spec.source, the run that is scored")
        return self

    @model_validator(mode="after")
    def _outcome(self) -> Self:
        """Hold a record to one outcome, with all that belongs to it."""
        if (self.error is None) == (self.scores is None):
            raise ValueError("a run has either scores or an error")
        if self.scores is None:
            return self
        if self.spec.trial and self.scores.keys() != {"dev"}:
            raise ValueError("scores of a trial are those on dev alone")
        if not self.spec.trial and "test" not in self.scores:
            raise ValueError("scores say nothing of test")
        names = [ref.name for ref in self.spec.scored_corpora()]
        if self.joint and any((part or {}).keys() != set(names) for part in (self.corpora, self.per_corpus)):
            raise ValueError(f"corpora and per_corpus must be those of the spec: {', '.join(names)}")
        if not self.joint and (self.corpora is not None or self.per_corpus is not None):
            raise ValueError("corpora and per_corpus belong to joint runs only")
        if self.onnx is not None and self.joint == isinstance(self.onnx, Exported):
            raise ValueError("onnx must stand for each corpus of a joint run, and only there")
        for name in names:
            self._check_scored(name)
        return self

    def _check_scored(self, name: str) -> None:
        """Hold the scores of a corpus to its labels."""
        labels = self.facts(name).labels
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(f"labels of {name}: none, or one twice")
        try:
            target_of(self.facts(name))
        except ConfigError as error:
            raise ValueError(str(error)) from None
        for part, (scores, confusion) in self.scored(name).items():
            if (scores.uar is None) == (self.facts(name).target is None):
                raise ValueError(f"scores on {part} of {name}: not those of its kind of target")
            if scores.recall is not None and scores.recall.keys() != set(labels):
                raise ValueError(f"recall on {part} of {name}: other labels than the corpus's")
            if confusion is not None and {len(confusion), *map(len, confusion)} != {len(labels)}:
                raise ValueError(f"confusion on {part} of {name}: not {len(labels)} rows of {len(labels)} counts")

    @property
    def failed(self) -> bool:
        """Whether the run has an error in place of scores."""
        return self.error is not None

    @property
    def joint(self) -> bool:
        """Whether the run was trained, and scored, on several corpora."""
        return len(self.spec.scored_corpora()) > 1

    @property
    def test(self) -> Scores:
        """The scores on test; of a joint run the means.

        Raises:
            StoreError: The run failed, or is a trial of a search.
        """
        if self.scores is None:
            raise StoreError(f"run {self.run_id}: it failed and has no scores")
        if self.spec.trial:
            raise StoreError(f"run {self.run_id}: a trial of a search, which never sees test; take the tuned run")
        return self.scores["test"]

    @property
    def score(self) -> tuple[Partition, Scores]:
        """The scores to be told of a run that did not fail, and on what: test; of a trial of a search dev."""
        if self.spec.trial and self.scores is not None:
            return "dev", self.scores["dev"]
        return "test", self.test

    def facts(self, corpus: str) -> CorpusFacts:
        """Return what the run says of a corpus whose clips it scored; nothing where it failed early."""
        if self.joint:
            return (self.corpora or {}).get(corpus, CorpusFacts())
        return CorpusFacts.model_construct(
            **{name: getattr(self, name) for name in CorpusFacts.model_fields if name in self.model_fields_set}
        )

    def scored(self, corpus: str) -> dict[Partition, tuple[Scores, Table | None]]:
        """Return scores and confusion of a corpus on each partition; empty where the run failed."""
        if self.per_corpus is not None:
            return {part: (both.scores, both.confusion) for part, both in self.per_corpus[corpus].items()}
        return {part: (scores, (self.confusion or {}).get(part)) for part, scores in (self.scores or {}).items()}

    def exported(self, corpus: str) -> Exported | None:
        """Return what came of exporting a corpus's network; None where nothing was exported."""
        return self.onnx.get(corpus) if isinstance(self.onnx, dict) else self.onnx

    def of(self, corpus: str | None = None) -> RunRecord:
        """Return the record of one corpus of a joint run as if it were of that corpus alone.

        Args:
            corpus: Which; None where there is only one.

        Raises:
            ConfigError: It is not one of the run's, or none is named where there are several.
        """
        protocols = {ref.name: ref.division for ref in self.spec.trained_corpora()}
        if corpus is None and len(protocols) > 1:
            raise ConfigError(f"--corpus: this run has several; name one of {', '.join(protocols)}")
        if corpus is not None and corpus not in protocols:
            raise ConfigError(f"--corpus: {corpus!r} is not in this run{did_you_mean(corpus, protocols)}")
        if corpus is None or not self.joint:
            return self
        told = stated(self.facts(corpus))
        scored = self.scored(corpus)
        return self.model_copy(
            update={
                **told,
                "spec": self.spec.model_copy(update={"corpus": corpus, "protocol": protocols[corpus]}),
                "corpora": None,
                "per_corpus": None,
                "scores": {part: scores for part, (scores, _) in scored.items()},
                "confusion": {part: confusion for part, (_, confusion) in scored.items()},
                "onnx": self.exported(corpus),
            }
        )

    def plain(self) -> dict[str, Any]:
        """Return the content of ``result.json``: what was stated, and nothing else; of the spec all."""
        stated = self.model_dump(mode="json", exclude_unset=True)
        return {**stated, "spec": self.spec.model_dump(mode="json")}

    def text(self) -> str:
        """Return the record as readable JSON."""
        return json.dumps(self.plain(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def parse_record(content: bytes, where: str) -> RunRecord:
    """Read a record from the bytes of a ``result.json``.

    Keys that an older version wrote and this one does not know are left out.

    Args:
        content: The bytes.
        where: What holds them, for the message.

    Raises:
        StoreError: It is no record, or a newer version's; one line that names the first thing that is wrong.
    """
    try:
        raw = parse_json(content)
    except ValueError as error:
        raise StoreError(f"{where}: damaged ({error}); delete the directory and run the matrix again") from None
    if not isinstance(raw, dict):
        raise StoreError(f"{where}: damaged (not a JSON object); delete the directory and run the matrix again")
    version = raw.setdefault("schema_version", 1)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise StoreError(f"{where}: written by a newer emonet-bench (schema {version}); upgrade this")
    if isinstance(version, int) and version < SCHEMA_VERSION:
        raw = {name: value for name, value in raw.items() if name in RunRecord.model_fields}
    try:
        return RunRecord.model_validate(raw, strict=True)
    except ValidationError as error:
        raise StoreError(f"{where}: not a run's record ({first_mistake(error)}){other_version(raw)}") from None
