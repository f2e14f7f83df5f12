"""UAR is not one number: ours is pinned here, against scikit-learn and audmetric's printed values."""

from __future__ import annotations

import numpy as np
import pytest

from emonet_bench.errors import CorpusError
from emonet_bench.metrics import accuracy, confusion, macro_f1, recalls, scores, unweighted_average_recall

LABELS = ("anger", "happiness", "neutral", "sadness")

# Three predictions of which five libraries make three answers; the figures are audmetric 1.4.2's with labels given,
# which scikit-learn 1.9's recall_score(labels=, average="macro") shares.
PINNED = [
    (
        "every class in truth",
        ["anger", "happiness", "neutral", "sadness"],
        ["anger", "happiness", "neutral", "anger"],
        0.750,
    ),
    ("sadness in neither", ["anger", "happiness", "neutral"], ["anger", "happiness", "neutral"], 0.750),
    (
        "sadness predicted, never true",
        ["anger", "anger", "happiness", "neutral"],
        ["anger", "sadness", "happiness", "neutral"],
        0.625,
    ),
]


@pytest.mark.parametrize(("case", "truth", "prediction", "expected"), PINNED, ids=[case for case, *_ in PINNED])
def test_uar_is_the_mean_over_the_declared_labels(case, truth, prediction, expected):
    sklearn = pytest.importorskip("sklearn.metrics")
    assert unweighted_average_recall(truth, prediction, LABELS) == expected
    assert sklearn.recall_score(truth, prediction, labels=LABELS, average="macro", zero_division=0) == expected


def test_scores_agree_with_scikit_learn_on_random_predictions():
    sklearn = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    truth = generator.choice(LABELS, 500).tolist()
    prediction = generator.choice(LABELS, 500).tolist()
    expected = sklearn.recall_score(truth, prediction, labels=LABELS, average=None)
    assert (
        confusion(truth, prediction, LABELS).tolist()
        == sklearn.confusion_matrix(truth, prediction, labels=LABELS).tolist()
    )
    assert accuracy(truth, prediction, LABELS) == pytest.approx(sklearn.accuracy_score(truth, prediction))
    assert unweighted_average_recall(truth, prediction, LABELS) == pytest.approx(expected.mean())
    f1 = sklearn.f1_score(truth, prediction, labels=[*LABELS, "disgust"], average="macro", zero_division=0)
    assert macro_f1(truth, prediction, [*LABELS, "disgust"]) == pytest.approx(f1)
    assert scores(truth, prediction, LABELS)["recall"] == pytest.approx(dict(zip(LABELS, expected, strict=True)))


def test_labels_keep_their_declared_order():
    assert confusion(["b", "a", "a"], ["b", "b", "a"], ["b", "a"]).tolist() == [[1, 0], [1, 1]]


def test_indices_serve_as_labels():
    truth, prediction = np.array([0, 1, 1]), np.array([0, 0, 1])
    assert unweighted_average_recall(truth, prediction, range(2)) == 0.75


def test_the_recall_of_a_label_that_never_occurs_is_none():
    assert recalls(["anger"], ["anger"], ("anger", "fear")) == {"anger": 1.0, "fear": None}
    assert scores(["anger"], ["anger"], ("anger", "fear")) == {
        "uar": 0.5,
        "accuracy": 1.0,
        "macro_f1": 0.5,
        "recall": {"anger": 1.0, "fear": None},
    }


@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        (
            ["boredem"],
            ["anger"],
            r"label 'boredem' is not declared; declared: 'anger', 'happiness', 'neutral', 'sadness'",
        ),
        (["anger"], ["joy"], "label 'joy' is not declared"),
        (["anger", "anger"], ["anger"], "1 predictions of 2 true labels"),
        ([], [], "0 predictions of 0 true labels"),
    ],
)
def test_what_cannot_be_scored_is_one_clear_error(truth, prediction, message):
    with pytest.raises(CorpusError, match=message):
        unweighted_average_recall(truth, prediction, LABELS)
