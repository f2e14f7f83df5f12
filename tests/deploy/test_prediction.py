"""A prediction is a value that nobody changes, and that may be pickled."""

import dataclasses
import pickle

import numpy as np
import pytest

from emonet_bench.deploy import Prediction

ROW = np.array([0.25, 0.75], np.float32)
ONE = Prediction("a.wav", "joy", ROW, 0.0, 1.5)


def test_only_what_was_asked_for_is_there():
    assert (ONE.embedding, ONE.logits) == (None, None)


def test_a_prediction_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ONE.label = "anger"


def test_predictions_are_compared_and_hashed_by_identity_for_arrays_have_no_single_truth():
    same = Prediction("a.wav", "joy", ROW, 0.0, 1.5)
    assert same != ONE
    assert len({ONE, same, ONE}) == 2


def test_a_prediction_goes_to_another_process_whole():
    back = pickle.loads(pickle.dumps(dataclasses.replace(ONE, logits=np.log(ROW))))
    assert (back.file, back.label, back.start, back.end) == ("a.wav", "joy", 0.0, 1.5)
    np.testing.assert_array_equal(back.probabilities, ROW)
    np.testing.assert_array_equal(back.logits, np.log(ROW))
