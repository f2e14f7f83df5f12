"""Predictions in memory: joined, put in order, turned into arrays of which the largest number is the prediction."""

import numpy as np
import pytest

from emonet_bench.errors import CorpusError
from emonet_bench.report.predictions import Predictions

LABELS = ("fear", "joy")
ROWS = Predictions(["a", "b"], ["s1", None], ["joy", "fear"], ["joy", "joy"], [0.5, 0.7], [[0.5, 0.5], [0.3, 0.7]])


def test_the_largest_number_is_the_prediction_even_of_equal_probabilities():
    truth, predicted = ROWS.arrays(LABELS)
    assert truth.tolist() == [1, 0]
    assert predicted.argmax(axis=1).tolist() == [1, 1]
    np.testing.assert_allclose(predicted, [[0.5, 0.5], [0.3, 0.7]], atol=1e-15)


def test_without_probabilities_the_predicted_label_is_one():
    rows = Predictions(ROWS.utterances, ROWS.speakers, ROWS.truth, ROWS.prediction, ROWS.confidence)
    assert rows.arrays(LABELS)[1].tolist() == [[0, 1], [0, 1]]
    with pytest.raises(CorpusError):
        Predictions.empty().arrays(LABELS)


def test_predictions_are_joined_and_put_in_order():
    both = ROWS.joined(Predictions(["c"], ["s2"], ["joy"], ["fear"], [0.9], [[0.9, 0.1]]))
    ordered = both.ordered(["c", "a", "b"])
    assert (ordered.utterances, ordered.truth) == (["c", "a", "b"], ["joy", "joy", "fear"])
    assert (ordered.prediction, ordered.numbers[0]) == (["fear", "joy", "joy"], [0.9, 0.1])
