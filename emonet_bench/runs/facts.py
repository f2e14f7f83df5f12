"""Facts of a run, the parts of its record: scores, what it says of a corpus, an export, an error."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from emonet_bench.errors import StoreError
from emonet_bench.files import check_file_name
from emonet_bench.types import LABEL, Partition, Target, TargetKind

_JSON: TypeAdapter[Any] = TypeAdapter(Any)
_LARGEST = 2**63  # of a whole number, as torch and other programs hold them

LONGEST_TEXT = 200_000
"""Characters of the longest text in a record."""


def _file_name(name: str) -> str:
    try:
        check_file_name(name, "files")
    except StoreError as error:
        raise ValueError(str(error)) from None
    return name


Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(max_length=2_000)]
Text = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
FileName = Annotated[str, AfterValidator(_file_name)]
RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Scale = Annotated[list[float], Field(min_length=2, max_length=2)]
LARGEST_EXTENSION = 65_536
"""Characters of the JSON that a plugin may add to a record."""

_DEEPEST = 8  # levels of lists and mappings in it


def _bounded(facts: dict[str, Any]) -> dict[str, Any]:
    if _depth(facts) > _DEEPEST:
        raise ValueError(f"more than {_DEEPEST} levels deep")
    _check_bounds(facts)
    if len(json.dumps(facts)) > LARGEST_EXTENSION:
        raise ValueError(f"more than {LARGEST_EXTENSION} characters as JSON; give a summary")
    return facts


def _depth(value: JsonValue) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


Extension = Annotated[dict[Name, JsonValue], AfterValidator(_bounded)]
Labels = Annotated[list[Name], Field(max_length=1_000)]
Table = Annotated[list[Annotated[list[Count], Field(max_length=1_000)]], Field(max_length=1_000)]


class Part(BaseModel):
    """A part of a record: no unknown keys, no strings for numbers, no number that is none."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def stated(part: Part) -> dict[str, Any]:
    """Return the fields of a part that were given, to be given to another one."""
    return {name: getattr(part, name) for name in part.model_fields_set}


class RunError(Part):
    """Why a run failed."""

    type: Name = Field(description="Class of the exception.")
    message: Text = Field(description="What it says.")
    traceback: Text = Field("", description="Where it was raised.")


class TargetFacts(Part):
    """What a run predicts that is not one label for each clip."""

    name: Name = Field(description="Of the target, as the protocol names it.")
    kind: TargetKind = Field(description="`votes`, `label-set` or `values`.")
    scales: Annotated[list[Scale], Field(max_length=1_000)] = Field(
        default_factory=list, description="Of values the lowest and the highest number of each attribute."
    )


class Scores(Part):
    """Scores of one partition."""

    uar: Share | None = Field(None, description="Unweighted average recall; null where the target is no label.")
    accuracy: Share | None = Field(None, description="Share of right predictions.")
    macro_f1: Share | None = Field(None, description="Mean F1 over labels; the means of a joint run are without.")
    recall: dict[Name, Share | None] | None = Field(
        None, description="Of each label; null where the partition lacks it. The means of a joint run are without."
    )
    metrics: dict[Name, float] | None = Field(
        None,
        description="Where the target is no label, its metrics by name; the first selects on dev. Of values `ccc` is "
        "the mean over attributes and `ccc:arousal` that of one.",
    )

    @property
    def by_metric(self) -> dict[str, float]:
        """The scores of all metrics that are known, by name."""
        if self.metrics is not None:
            return dict(self.metrics)
        known = {"uar": self.uar, "accuracy": self.accuracy, "macro_f1": self.macro_f1}
        return {name: value for name, value in known.items() if value is not None}

    @property
    def headline(self) -> tuple[str, float]:
        """The metric that selects on dev, by name, and its value."""
        if self.metrics:
            return next(iter(self.metrics.items()))
        return "UAR", self.uar or 0.0


class SelectionFacts(Part):
    """What the metric says of dev that a recipe names to select by."""

    metric: Name = Field(description="As `training.selection` names it.")
    dev: float = Field(description="Its score on dev; of a joint run the mean over its corpora.")
    higher_is_better: bool = Field(description="Whether more of it is better.")


class ScoredPartition(Part):
    """Scores of one corpus of a joint run on one partition."""

    scores: Scores = Field(description="As in `scores`.")
    confusion: Table | None = Field(None, description="As in `confusion`.")


class PartitionFacts(Part):
    """What a partition holds."""

    clips: Count = Field(description="Number of clips.")
    speakers: Count | None = Field(None, description="Number of speakers; null where they are unknown.")
    labels: dict[Name, Count] = Field(default_factory=dict, description="Clips of each label.")


class Parameters(Part):
    """Numbers that a network consists of."""

    total: Count = Field(description="All of them.")
    trainable: Count = Field(description="Those that were trained.")


class Exported(Part):
    """What came of an export."""

    file: FileName | None = Field(None, description="The ONNX file.")
    max_delta: Annotated[float, Field(ge=0)] | None = Field(
        None, description="Largest difference of a logit between onnxruntime and the trained network."
    )
    uar: Share | None = Field(None, description="UAR on test through onnxruntime.")
    error: Text | None = Field(None, description="Instead of the others: why it could not be exported.")


class CoverageFacts(Part):
    """How much of a corpus a run found."""

    found: Count = Field(description="Clips found.")
    expected: Count | None = Field(None, description="Clips that there should be, where that is known.")
    unmatched_files: Count = Field(0, description="Audio files that are no clip.")
    unmatched_rows: Count = Field(0, description="Rows of tables that are no clip.")
    speakers_unknown: Count = Field(0, description="Clips without a known speaker.")


class CorpusFacts(Part):
    """What a run says of a corpus whose clips it scored."""

    labels: Labels = Field(default_factory=list, description="In declared order; of values the attributes.")
    target: TargetFacts | None = Field(None, description="What is predicted, where that is not the label.")
    protocol_id: Line = Field(
        "",
        description="Label set and partitions of every fold, and that dev selects, hashed; runs with different ids are "
        "never ranked together.",
    )
    fingerprint: Line = Field("", description="Hash of the corpus's decoded audio and labels.")
    audit: Literal["clean", "warnings", "speakers unknown", "incomplete", "leaking"] | None = Field(
        None, description="Verdict of the corpus's quick audit."
    )
    coverage: CoverageFacts | None = Field(None, description="How much of the corpus was found.")
    skipped_files: Count = Field(0, description="How many broken files were left out.")
    shared_clips: Count = Field(
        0,
        description="Test clips whose audio the network heard in train or dev of another corpus or in an earlier "
        "training, that of its source: its scores are too good.",
    )
    synthetic: bool = Field(False, description="Whether the audio is generated.")  # noqa: FBT003
    licence: Line = Field("", description="Terms of the corpus.")
    elicitation: Line = Field(
        "", description="How its emotions came about: `acted`, `induced`, `natural`, ..., as its card says."
    )
    partitions: dict[Partition, PartitionFacts] = Field(
        default_factory=dict, description="What each of `train`, `dev` and `test` holds."
    )


def target_of(facts: CorpusFacts) -> Target:
    """Return what a run predicts of a corpus.

    Raises:
        ConfigError: The record's names or scales make no target.
    """
    told = facts.target or TargetFacts(name=LABEL, kind="label")
    scales = tuple((low, high) for low, high in told.scales)
    return Target(told.name, told.kind, tuple(facts.labels), scales)


def target_facts(target: Target) -> TargetFacts | None:
    """Return what a record says of a target; None of a label, as records always were."""
    if target.kind == "label":
        return None
    return TargetFacts(name=target.name, kind=target.kind, scales=[list(scale) for scale in target.scales])


def parse_json(content: bytes | str) -> Any:
    """Read JSON of a stranger: not too deep, and with numbers that any other program could hold, wherever they stand.

    Raises:
        ValueError: It is none; one line.
    """
    try:
        value = _JSON.validate_json(content)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False, include_input=False)[0]["msg"]) from None
    _check_bounds(value)
    return value


def _check_bounds(value: Any) -> None:
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is none or too large")
    elif isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        raise ValueError("a whole number of more than 64 bits")
    elif not isinstance(value, list):
        return
    for inner in value:
        _check_bounds(inner)
