"""Measuring: everything that a card says of an exported file, through the predictor alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emonet_bench.deploy import Predictor
from emonet_bench.metrics import accuracy, confusion, recalls
from emonet_bench.model_card.calibration import calibration
from emonet_bench.model_card.clips import CardClips
from emonet_bench.model_card.cost import costs
from emonet_bench.model_card.machine import machine
from emonet_bench.model_card.out_of_domain import out_of_domain
from emonet_bench.model_card.perturbations import Condition, conditions
from emonet_bench.model_card.record import ModelCard
from emonet_bench.model_card.robustness import predict_changed, robustness
from emonet_bench.model_card.scoring import Scored, scores_of
from emonet_bench.model_card.setting import Reading, Setting
from emonet_bench.model_card.subgroups import Members, members_of, subgroups
from emonet_bench.model_card.training import training_of
from emonet_bench.runs.files import file_hash
from emonet_bench.runs.record import RunRecord
from emonet_bench.runs.telemetry import now

TALKERS = 64
"""Most clips that babble is mixed from."""


@dataclass(frozen=True)
class Plan:
    """What a card is to measure.

    Attributes:
        setting: The clips.
        most: Most clips that are changed in each way; None: all.
        talkers: Clips that babble is mixed from; None: those of the train partition.
        others: Clips of other corpora that the model was not made for, by name.
        record: Of the run that the file was exported from, where it is at hand.
    """

    setting: Setting
    most: int | None = None
    talkers: CardClips | None = None
    others: Mapping[str, CardClips] = field(default_factory=dict)
    record: RunRecord | None = None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Ways in which clips are changed."""
        talkers = (self.talkers or self.setting.parts["train"]).spread(TALKERS)
        return conditions(self.setting.clips.sampling_rate, list(talkers))


@dataclass(frozen=True)
class Measured:
    """A card, and the predictions that it rests on.

    Attributes:
        card: The record.
        scored: The clips as they are.
        changed: Those of them that were changed, as they are.
        predicted: By the name of a condition, predictions of the changed clips.
        members: By attribute, the places of each group's clips among those that were scored.
    """

    card: ModelCard
    scored: Scored
    changed: Scored
    predicted: dict[str, list[str]]
    members: Mapping[str, Members]


def measure(predictor: Predictor, file: Path, plan: Plan, progress: Reading) -> Measured:
    """Measure an exported file.

    Args:
        predictor: The file, opened.
        file: Where it lies.
        plan: What to measure.
        progress: Called while that is done.

    Raises:
        AudioError: A clip cannot be scored.
    """
    started, setting = time.perf_counter(), plan.setting
    scored = Scored.of(predictor, setting.clips)
    changed = scored if plan.most is None else Scored.of(predictor, setting.clips.spread(plan.most))
    ways = plan.conditions
    predicted = predict_changed(
        predictor, changed, ways, _counter(progress, "changing clips", len(ways) * len(changed.clips))
    )
    truth, labels = scored.truth, scored.labels
    card = ModelCard(
        file=file.name,
        sha256=file_hash(file),
        metadata=dict(predictor.metadata),
        labels=list(labels),
        data=setting.data(),
        uar=scored.uar(),
        accuracy=accuracy(truth, scored.predicted, labels),
        scores=scores_of(scored),
        recall=recalls(truth, scored.predicted, labels),
        confusion=confusion(truth, scored.predicted, labels).tolist(),
        robustness=robustness(changed, ways, predicted),
        subgroups=subgroups(scored, setting.opened.corpus),
        calibration=calibration(scored, Scored.of(predictor, setting.parts["dev"]), predictor.metadata),
        training=None if plan.record is None else training_of(plan.record, predictor.metadata.get("corpus", "")),
        out_of_domain=out_of_domain(predictor, scored, plan.others),
        cost=costs(file),
        machine=machine(),
        date=now(),
        seconds=round(time.perf_counter() - started, 1),
    )
    return Measured(card, scored, changed, predicted, members_of(scored, setting.opened.corpus))


def _counter(progress: Reading, what: str, total: int) -> Callable[[int], None]:
    """Count what is done, and tell it."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(what, done, total)

    return count
