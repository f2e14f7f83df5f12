"""Robustness: a model whose behaviour is known by construction gets the figures and the grade that follow from it."""

import numpy as np
import pytest

from emonet_bench.model_card.perturbations import conditions
from emonet_bench.model_card.record import Change, ConditionScore, Estimate
from emonet_bench.model_card.robustness import grade, predict_changed, robustness
from emonet_bench.model_card.scoring import Scored
from tests.oracles import RATE, clips_of, predictor, pulses, tones, write_model


def measured(tmp_path, model, corpus, families):
    clean = Scored.of(predictor(model), clips_of(corpus, tmp_path / "cache"))
    ways = [one for one in conditions(RATE) if one.family in families]
    counted = []
    predicted = predict_changed(predictor(model), clean, ways, counted.append)
    assert sum(counted) == len(ways) * len(clean.clips)
    return {one.name: one for one in robustness(clean, ways, predicted).conditions}


def test_a_model_that_ignores_gain_keeps_its_predictions_and_one_that_hears_levels_does_not(tmp_path):
    corpus = tones(tmp_path)
    deaf = measured(tmp_path, write_model(tmp_path / "sign.onnx", "sign", 0.0), corpus, ("gain", "DC offset"))
    gains = [one for name, one in deaf.items() if name.startswith("gain")]
    assert [one.unchanged for one in gains] == [1.0] * 5
    assert [(one.change.difference, one.change.low, one.change.high) for one in gains] == [(0, 0, 0)] * 5
    loud = tones(tmp_path, lambda speaker, label, number: pulses(0.5, 0.2 if label == "angry" else 0.02, seed=number))
    hears = measured(tmp_path, write_model(tmp_path / "level.onnx", "level", 0.08), loud, ("gain",))
    assert hears["gain, -20 dB"].uar.value == 0.5  # everything is low
    assert hears["gain, -20 dB"].unchanged == 0.5
    assert hears["gain, -20 dB"].change.high < 0
    assert hears["gain, -20 dB"].kept == pytest.approx(0)


def test_the_scores_are_those_of_sklearn(tmp_path):
    from sklearn.metrics import recall_score

    corpus, model = tones(tmp_path), write_model(tmp_path / "sign.onnx", "sign", 0.2)
    clean = Scored.of(predictor(model), clips_of(corpus, tmp_path / "cache"))
    ways = [one for one in conditions(RATE) if one.family == "white noise"]
    predicted = predict_changed(predictor(model), clean, ways, lambda _: None)
    for one in robustness(clean, ways, predicted).conditions:
        assert one.uar.value == pytest.approx(recall_score(clean.truth, predicted[one.name], average="macro"))
        assert one.unchanged == np.mean(np.array(predicted[one.name]) == clean.predicted)


def condition(kept, everyday=True):
    estimate, change = Estimate(value=0.5, low=0.4, high=0.6), Change(difference=0.0, low=0.0, high=0.0, p=1.0)
    return ConditionScore(family=f"{kept}", everyday=everyday, uar=estimate, unchanged=1.0, change=change, kept=kept)


@pytest.mark.parametrize(
    ("kept", "letter"), [(0.9, "A"), (0.89, "B"), (0.75, "B"), (0.5, "C"), (0.49, "D"), (-1.0, "D")]
)
def test_the_worst_everyday_condition_decides_the_grade(kept, letter):
    found = grade(
        Estimate(value=0.8, low=0.7, high=0.9), 0.25, [condition(1.0), condition(kept), condition(0.0, False)]
    )
    assert (found.letter, found.decided_by) == (letter, f"{kept}")


def test_a_model_that_is_not_above_chance_has_no_grade():
    assert grade(Estimate(value=0.3, low=0.2, high=0.4), 0.25, [condition(1.0)]).letter is None
