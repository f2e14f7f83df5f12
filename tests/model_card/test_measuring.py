"""Measuring puts together what the file does on its clips."""

import hashlib

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from emonet_bench.model_card.measuring import Plan, measure
from tests.oracles import predictor


def test_scores_are_those_of_sklearn(measured):
    found, _, path = measured
    card, truth, predicted = found.card, found.scored.truth, found.scored.predicted
    assert card.uar.value == recall_score(truth, predicted, average="macro")
    assert card.accuracy == accuracy_score(truth, predicted)
    assert list(card.scores) == ["UAR", "accuracy", "macro F1", "recall of calm", "recall of angry"]
    assert card.scores["UAR"] == card.uar
    assert card.scores["accuracy"].value == pytest.approx(card.accuracy)
    assert card.scores["macro F1"].value == pytest.approx(f1_score(truth, predicted, average="macro"))
    for label in card.labels:
        found_recall = card.scores[f"recall of {label}"]
        assert found_recall.value == pytest.approx(card.recall[label])
        assert found_recall.low <= found_recall.value <= found_recall.high
    np.testing.assert_array_equal(card.confusion, confusion_matrix(truth, predicted, labels=card.labels))
    assert card.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_progress_ends_where_everything_is_done(measured):
    last = {what: (done, total) for what, done, total in measured[1]}
    assert all(done == total for done, total in last.values())
    assert last


def test_a_limit_changes_fewer_clips_and_says_so(measured):
    found, _, path = measured
    model = predictor(path)
    plan = Plan(_setting(found, path), most=4)
    card = measure(model, path, plan, lambda *_: None).card
    assert (card.robustness.clips, card.data.clips) == (4, len(found.scored.clips))


def _setting(found, path):
    from emonet_bench.model_card.setting import Wanted, choose
    from tests.oracles import tones

    corpus = tones(path.parent, count=3)
    return choose(predictor(path), Wanted(), {"tones": corpus}, path.parent / "cache", lambda *_: None)
