"""Subgroups: a model that was made unfair is found, one that is fair is not accused, and what is unknown stays so."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from emonet_bench.model_card.record import Subgroups
from emonet_bench.model_card.scoring import Scored
from emonet_bench.model_card.subgroups import subgroups, worst_first
from tests.oracles import clips_of, predictor, pulses, tones, write_model

GENDER = {"gender": {"female": ("e", "f"), "male": ("g", "h")}}


def unfair(speaker, label, number):
    """What the model goes by is there in the voices of g and h only; of the others it is there half of the time."""
    tells = speaker not in "ef" or number % 2
    return pulses(0.7 if (label == "angry") == bool(tells) else 0.3, 0.2, seed=number)


def scored_of(folder, clip_of=None, **facts):
    corpus = tones(folder, clip_of, **facts)
    scored = Scored.of(predictor(write_model(folder / "m.onnx", "sign", 0.0)), clips_of(corpus, folder / "cache"))
    return scored, corpus


def test_an_unfair_model_is_found(tmp_path):
    found = subgroups(*scored_of(tmp_path, unfair, demographics=GENDER))
    gap = found.demographic_gap
    assert (gap.attribute, gap.best, gap.worst, gap.labels) == ("gender", "male", "female", 2)
    assert gap.gap.value == 0.5
    assert gap.gap.low > 0.2
    assert not gap.one_speaker


def test_a_fair_model_is_not_accused(tmp_path):
    def noisy(speaker, label, number):
        wrong = np.random.default_rng([ord(speaker), number, label == "angry"]).random() < 0.3
        return pulses(0.7 if (label == "angry") != wrong else 0.3, 0.2, seed=number)

    gap = subgroups(*scored_of(tmp_path, noisy, count=30, demographics=GENDER)).demographic_gap
    assert gap.gap.low <= 0.05
    assert gap.gap.value < 0.15


def test_groups_are_scored_as_sklearn_scores_them(tmp_path):
    scored, corpus = scored_of(tmp_path, unfair, demographics=GENDER)
    truth, predicted = np.array(scored.truth), np.array(scored.predicted)
    for group in subgroups(scored, corpus).groups:
        values = {
            "gender": ["female" if one in "ef" else "male" for one in scored.speakers],
            "language": ["en"] * len(truth),
            "speaker": scored.speakers,
            "text": [one.text for one in scored.clips.utterances],
        }[group.attribute]
        own = np.array(values) == group.group
        assert group.clips == own.sum()
        assert group.uar.value == pytest.approx(recall_score(truth[own], predicted[own], average="macro"))
        each = precision_score(truth[own], predicted[own], labels=list(scored.labels), average=None, zero_division=0)
        assert [value or 0 for value in group.precision.values()] == pytest.approx(list(each))


def test_a_group_of_one_speaker_is_named_as_such(tmp_path):
    lonely = {"gender": {"female": ("e",), "male": ("f", "g", "h")}}
    assert subgroups(*scored_of(tmp_path, unfair, demographics=lonely)).demographic_gap.one_speaker


def test_what_the_corpus_does_not_tell_is_unknown(tmp_path):
    found = subgroups(*scored_of(tmp_path, demographics={"gender": {"male": ("g",)}}))
    assert found.unknown == {"gender": 48, "age": 64}
    assert found.demographic_gap is None  # one group alone
    assert {group.group for group in found.groups if group.attribute == "gender"} == {"male"}


def test_what_a_table_says_of_a_clip_makes_groups(tmp_path):
    scored, corpus = scored_of(tmp_path, unfair)
    said = [
        replace(one, demographics={"gender": "w" if one.speaker in "ef" else "m"}) for one in scored.clips.utterances
    ]
    scored = replace(scored, clips=replace(scored.clips, utterances=tuple(said)))
    assert (subgroups(scored, corpus).demographic_gap.best, subgroups(scored, corpus).unknown) == ("m", {"age": 64})


def test_the_worst_come_first_and_not_all_of_many(tmp_path):
    found = subgroups(*scored_of(tmp_path, unfair))
    shown = list(worst_first(found, "speaker", 3))
    assert [group.group for group in shown[:2]] == ["e", "f"]
    assert len(shown) == 3
    assert not list(worst_first(Subgroups(groups=[], gaps=[], unknown={}), "speaker"))
