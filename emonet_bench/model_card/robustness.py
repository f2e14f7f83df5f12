"""Robustness: UAR and predictions on clips that were changed in ways that leave the emotion alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from emonet_bench.deploy import Predictor
from emonet_bench.model_card.perturbations import Condition, Floats
from emonet_bench.model_card.record import ConditionScore, Estimate, Grade, Letter, Robustness
from emonet_bench.model_card.scoring import Scored, change_of, probabilities, uar_of

RULE = (
    "the everyday condition that keeps the smallest share of the UAR above chance decides: A keeps at least 90 %, "
    "B 75 %, C 50 %, D less; no grade where the interval of the UAR on clean clips reaches chance"
)
_LEAST: tuple[tuple[Letter, float], ...] = (("A", 0.9), ("B", 0.75), ("C", 0.5))


def predict_changed(
    predictor: Predictor, clean: Scored, conditions: Sequence[Condition], progress: Callable[[int], None]
) -> dict[str, list[str]]:
    """Predict labels of clips under each condition.

    Args:
        predictor: The deployed file.
        clean: The clips as they are.
        conditions: What is done to them.
        progress: Called with 1 after each clip.

    Returns:
        By the condition's name, (N,) predicted labels.
    """
    rate = clean.clips.sampling_rate

    def changed(condition: Condition) -> Iterator[Floats]:
        for utterance, clip in zip(clean.clips.utterances, clean.clips, strict=True):
            yield condition.apply(clip, rate, utterance.name)
            progress(1)

    found = ((one.name, probabilities(predictor, changed(one), rate)) for one in conditions)
    return {name: [clean.labels[index] for index in table.argmax(axis=1)] for name, table in found}


def robustness(clean: Scored, conditions: Sequence[Condition], predicted: dict[str, list[str]]) -> Robustness:
    """Compare predictions of changed clips with those of the clips as they are.

    Args:
        clean: The clips as they are.
        conditions: What was done to them.
        predicted: What ``predict_changed`` returns.
    """
    uar = clean.uar()
    scores = [_score(clean, uar, one, predicted[one.name]) for one in conditions]
    return Robustness(grade=grade(uar, 1 / len(clean.labels), scores), clips=len(clean.clips), conditions=scores)


def _score(clean: Scored, uar: Estimate, condition: Condition, predicted: list[str]) -> ConditionScore:
    changed, chance = uar_of(clean, predicted), 1 / len(clean.labels)
    return ConditionScore(
        family=condition.family,
        value=condition.value,
        unit=condition.unit,
        everyday=condition.everyday,
        uar=changed,
        unchanged=sum(a == b for a, b in zip(predicted, clean.predicted, strict=True)) / len(predicted),
        change=change_of(clean, predicted, clean.predicted),
        kept=(changed.value - chance) / (uar.value - chance) if uar.value > chance else None,
    )


def grade(uar: Estimate, chance: float, scores: Sequence[ConditionScore]) -> Grade:
    """Grade the robustness by ``RULE``.

    Args:
        uar: On clean clips.
        chance: UAR of one answer for all clips.
        scores: Those of all conditions.
    """
    everyday = [score for score in scores if score.everyday and score.kept is not None]
    if uar.low <= chance or not everyday:
        return Grade(letter=None, rule=RULE)
    worst = min(everyday, key=lambda score: score.kept or 0.0)
    assert worst.kept is not None
    letter: Letter = next((letter for letter, least in _LEAST if worst.kept >= least), "D")
    return Grade(letter=letter, rule=RULE, decided_by=worst.name)
