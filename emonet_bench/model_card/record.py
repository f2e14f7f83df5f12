"""The record of a card, ``card.json``: what was measured on an exported file, and on which clips."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from emonet_bench.runs.facts import Count, Extension, Line, Name, Parameters, Part, PartitionFacts, Seconds, Share

CARD_SCHEMA = 1
"""Version of ``card.json``."""

DEMOGRAPHIC = ("gender", "age", "language")
"""Attributes of persons, by which clips are grouped."""

Letter = Literal["A", "B", "C", "D"]


class Estimate(Part):
    """A score with its 95 % interval, from a bootstrap over speakers."""

    value: float = Field(description="On all clips.")
    low: float = Field(description="Lower end of the interval.")
    high: float = Field(description="Upper end.")


class Change(Part):
    """A difference of two UARs on the same clips, from a paired bootstrap over speakers."""

    difference: float = Field(description="The first minus the second.")
    low: float = Field(description="Lower end of its 95 % interval.")
    high: float = Field(description="Upper end.")
    p: Share = Field(description="Two-sided p value, of this one test.")


class ConditionScore(Part):
    """What a perturbation does to the predictions."""

    family: Name = Field(description="What was done to the clips.")
    value: float | None = Field(None, description="How much of it.")
    unit: Line = Field("", description="Of the value.")
    everyday: bool = Field(description="Whether the grade rests on it.")
    uar: Estimate = Field(description="UAR on the changed clips.")
    unchanged: Share = Field(description="Share of clips whose predicted label stays.")
    change: Change = Field(description="UAR minus that of the clips as they are.")
    kept: float | None = Field(description="Share of the UAR above chance that is left; null where there was none.")

    @property
    def name(self) -> str:
        """The condition in words."""
        return self.family if self.value is None else f"{self.family}, {self.value:g} {self.unit}"


class Grade(Part):
    """A grade of robustness."""

    letter: Letter | None = Field(description="A to D; null where the model is not above chance on clean clips.")
    rule: Line = Field(description="How the grade is given.")
    decided_by: Line = Field("", description="The everyday condition that keeps least.")


class Robustness(Part):
    """How far predictions hold on changed clips."""

    grade: Grade = Field(description="In one letter.")
    clips: Count = Field(description="How many clips were changed in each way.")
    conditions: list[ConditionScore] = Field(description="Each way.")


class GroupScore(Part):
    """Scores of one group of clips."""

    attribute: Name = Field(description="What groups them: gender, age, language, text or speaker.")
    group: Line = Field(description="Which of it.")
    clips: Count = Field(description="Number of clips.")
    speakers: Count | None = Field(description="Number of speakers; null where one is unknown.")
    uar: Estimate = Field(description="Mean recall over the labels that the group has.")
    recall: dict[Name, Share | None] = Field(description="Of each label; null where the group lacks it.")
    precision: dict[Name, Share | None] = Field(description="Of each label; null where it is never predicted.")


class Gap(Part):
    """The largest difference between two groups of one attribute."""

    attribute: Name = Field(description="What groups them.")
    best: Line = Field(description="The group with the higher mean recall.")
    worst: Line = Field(description="The other one.")
    gap: Estimate = Field(
        description="Difference of the mean recalls over the labels that both have; its interval does not know that "
        "the pair was chosen for it."
    )
    labels: Count = Field(description="How many labels both have.")
    one_speaker: bool = Field(description="Whether a group is one speaker: then group and voice cannot be told apart.")


class Subgroups(Part):
    """Scores by what is known of speakers and texts."""

    groups: list[GroupScore] = Field(description="Each group.")
    gaps: list[Gap] = Field(description="For each attribute the largest gap between groups of 10 clips and more.")
    unknown: dict[Name, Count] = Field(description="For how many clips an attribute is unknown.")

    @property
    def demographic_gap(self) -> Gap | None:
        """The largest gap of an attribute of persons: gender, age or language."""
        gaps = (gap for gap in self.gaps if gap.attribute in DEMOGRAPHIC)
        return max(gaps, key=lambda gap: gap.gap.value, default=None)


class Bin(Part):
    """Clips of similar confidence."""

    clips: Count = Field(description="How many.")
    confidence: Share = Field(description="Mean probability of the predicted labels.")
    accuracy: Share = Field(description="Share of them that are right.")


class RiskPoint(Part):
    """A point of the risk-coverage curve."""

    coverage: Share = Field(description="Share of clips that are answered.")
    risk: Share = Field(description="Share of errors among them.")


class Temperature(Part):
    """A temperature fitted on dev, and what it does on dev speakers that it was not fitted on."""

    value: float = Field(description="By which logits would be divided.")
    ece_before: Estimate = Field(description="Expected calibration error on dev as it is.")
    ece_after: Estimate = Field(description="With a temperature that was fitted on other speakers.")
    helps: bool = Field(description="Whether the error surely falls: `export --calibrate` would fold it in.")


class Abstention(Part):
    """What the file's own threshold does."""

    below: Share = Field(description="Probability below which the label is `uncertain`.")
    stated_risk: Share = Field(description="Share of errors that it was chosen for, on dev.")
    coverage: Share = Field(description="Share of these clips that are answered.")
    risk: Share | None = Field(description="Share of errors among them; null where none is answered.")


class Calibration(Part):
    """Whether probabilities mean what they say."""

    ece: Estimate = Field(description="Expected calibration error, 15 bins.")
    brier: Estimate = Field(description="Brier score, 0 to 2.")
    bins: list[Bin] = Field(description="The reliability diagram, in ten bins of confidence.")
    temperature: Temperature = Field(description="Whether a temperature would help.")
    curve: list[RiskPoint] = Field(description="Errors among answers as the model abstains more rarely.")
    abstention: Abstention | None = Field(None, description="Only where the file has a threshold.")


class Elsewhere(Part):
    """What the model says of sounds that it was not made for."""

    kind: Line = Field(description="Which sounds.")
    clips: Count = Field(description="Number of clips.")
    entropy: Share = Field(description="Mean entropy of the probabilities, as a share of the largest.")
    confidence: Share = Field(description="Mean probability of the predicted labels.")
    label: Name = Field(description="The label that it says most often.")
    share: Share = Field(description="How often.")


class FileCost(Part):
    """What a file costs, in a process of its own, on one core."""

    file: Line = Field(description="Its name.")
    bytes: Count = Field(description="Its size.")
    load_seconds: float = Field(description="From the file to the first answer.")
    milliseconds: float = Field(description="Processor time for a second of audio, in clips of three seconds.")
    peak_memory_mb: Count | None = Field(description="Most memory of the process, in MiB; null where that is unknown.")


class Data(Part):
    """The clips that a card was measured on."""

    corpus: Name = Field(description="Its name.")
    title: Line = Field("", description="Its full name.")
    languages: list[Name] = Field(default_factory=list, description="ISO 639-1 codes, or what a table says.")
    licence: Line = Field("", description="Terms of the audio.")
    citation: Annotated[str, Field(max_length=20_000)] = Field("", description="BibTeX.")
    elicitation: Line = Field("", description="Acted, induced, natural, read ...; empty: unknown.")
    synthetic: bool = Field(False, description="Whether the audio is generated.")  # noqa: FBT003
    protocol: Line = Field(description="Name of the protocol, with its label map.")
    protocol_id: Line = Field(description="What may be compared.")
    fold: Count | None = Field(None, description="The protocol's fold.")
    partition: Name = Field(description="Which partition.")
    clips: Count = Field(description="Number of clips.")
    seconds: float = Field(description="How long they last together.")
    speakers: Count | None = Field(description="Number of speakers; null where one is unknown.")
    notes: list[Line] = Field(default_factory=list, description="In what these are not the clips that the run tested.")


class Training(Part):
    """How the model was trained, as the record of its run says."""

    seed: int = Field(description="Of everything random.")
    options: dict[Line, dict[Name, Any]] = Field(description="Of the architecture, the strategy and the training.")
    partitions: dict[Name, PartitionFacts] = Field(description="What `train` and `dev` hold.")
    parameters: Parameters | None = Field(None, description="Of the network; null where the record does not tell.")
    best_epoch: Count | None = Field(None, description="The epoch whose weights were kept.")
    seconds: Seconds | None = Field(None, description="How long training took.")
    peak_memory_mb: Count | None = Field(None, description="MiB, of the process (on cuda: of the device).")
    hardware: Line = Field("", description="Where it was trained.")
    extensions: dict[Name, Extension] = Field(
        default_factory=dict, description="What plugins measured of the run, such as `energy`, each under its own name."
    )


class ModelCard(Part):
    """Content of ``card.json``."""

    card_version: int = Field(CARD_SCHEMA, description="Version of this description.")
    file: Line = Field(description="Name of the exported file.")
    sha256: Line = Field(description="Of the exported file.")
    metadata: dict[Name, Annotated[str, Field(max_length=200_000)]] = Field(description="What the file says of itself.")
    labels: list[Name] = Field(description="What the model tells apart.")
    data: Data = Field(description="What it was measured on.")
    uar: Estimate = Field(description="UAR.")
    accuracy: Share = Field(description="Share of right predictions.")
    scores: dict[Line, Estimate] = Field(
        default_factory=dict, description="UAR, accuracy, macro F1 and the recall of each label, with their intervals."
    )
    recall: dict[Name, Share | None] = Field(description="Of each label.")
    confusion: list[list[Count]] = Field(description="Rows are truth, columns prediction, in the order of `labels`.")
    robustness: Robustness = Field(description="On changed clips.")
    subgroups: Subgroups = Field(description="By gender, age, language, text and speaker.")
    calibration: Calibration = Field(description="Of the probabilities.")
    training: Training | None = Field(None, description="Where the run's record was at hand.")
    out_of_domain: list[Elsewhere] = Field(description="On other sounds; the clips themselves come first.")
    cost: list[FileCost] = Field(description="Of the file, and of its int8 variant where that lies beside it.")
    machine: Line = Field(description="Where it was measured.")
    date: Line = Field(description="UTC, ISO 8601.")
    seconds: float = Field(description="How long measuring took.")
