"""Target vectors: what utterances say, as numbers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import rel_entr
from sklearn.preprocessing import MinMaxScaler, MultiLabelBinarizer, label_binarize

from emonet_bench.data.targets import has_target, target_vector
from emonet_bench.errors import CorpusError
from emonet_bench.types import Target, Utterance

NAMES = ("anger", "joy", "sadness")
VOTES = Target("votes", "votes", NAMES)
SET = Target("labels", "label-set", NAMES)
LABEL = Target("label", "label", NAMES)
VALUES = Target("values", "values", ("arousal", "valence"), ((1.0, 7.0), (-1.0, 1.0)))


def clip(label=None, **said):
    return Utterance("a.wav", Path("a.wav"), label, **said)


def test_labels_and_sets_are_coded_as_scikit_learn_codes_them():
    assert target_vector(clip("joy"), LABEL) == tuple(label_binarize(["joy"], classes=NAMES)[0])
    said = [{"joy", "anger"}, set()]
    expected = MultiLabelBinarizer(classes=NAMES).fit_transform(said)
    assert [target_vector(clip(labels=frozenset(one)), SET) for one in said] == [tuple(row) for row in expected]


@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=3).filter(lambda votes: sum(votes) > 1e-6))
def test_votes_become_a_distribution_in_proportion(votes):
    row = target_vector(clip(votes=dict(zip(NAMES, votes, strict=True))), VOTES)
    assert rel_entr(np.array(votes) / sum(votes), row).sum() == pytest.approx(0, abs=1e-9)


@given(st.floats(1, 7), st.floats(-1, 1))
def test_values_become_their_places_between_the_ends_of_their_scales(arousal, valence):
    row = target_vector(clip(values={"arousal": arousal, "valence": valence}), VALUES)
    scaler = MinMaxScaler((-1, 1)).fit([[1, -1], [7, 1]])
    assert row == pytest.approx(scaler.transform([[arousal, valence]])[0], abs=1e-9)


@pytest.mark.parametrize(
    ("said", "target", "message"),
    [
        ({"votes": {"joy": 0.0}}, VOTES, "sum to nothing"),
        ({"votes": {"joy": -1.0, "anger": 2.0}}, VOTES, "-1.0 votes for joy"),
        ({"votes": {"joy": float("nan")}}, VOTES, "nan votes for joy"),
        ({"votes": {"boredom": 1.0}}, VOTES, "'boredom', which is not declared"),
        ({"labels": frozenset({"boredom"})}, SET, "'boredom', which is not declared"),
        ({"values": {"arousal": 3.0}}, VALUES, "has no valence"),
        ({"values": {"arousal": 7.5, "valence": 0.0}}, VALUES, "arousal is 7.5, outside of its scale from 1 to 7"),
        ({"values": {"arousal": float("nan"), "valence": 0.0}}, VALUES, "arousal is nan, outside"),
    ],
)
def test_what_a_target_does_not_allow_is_refused_in_one_line_that_names_the_utterance(said, target, message):
    with pytest.raises(CorpusError, match=message) as refused:
        target_vector(clip(**said), target)
    assert str(refused.value).startswith("a.wav: ")
    assert "\n" not in str(refused.value)


def test_a_clip_without_consensus_has_its_votes_and_no_label():
    torn = clip(votes={"joy": 1.0, "anger": 1.0})
    assert [has_target(torn, target) for target in (LABEL, VOTES, SET, VALUES)] == [False, True, False, False]
