"""Default metrics: what they are of each kind of target, against scikit-learn."""

import numpy as np
import pytest

from emonet_bench.metrics.choice import MetricChoice
from emonet_bench.metrics.defaults import MACRO_F1, UAR

sklearn = pytest.importorskip("sklearn.metrics")


def test_the_uar_counts_a_label_without_clips_as_0():
    truth, guess = [0, 0, 1], [0, 1, 1]
    expected = sklearn.recall_score(truth, guess, labels=[0, 1, 2], average="macro", zero_division=0)
    assert MetricChoice(UAR).score(truth, np.eye(3)[guess], "abc") == pytest.approx(expected)


def test_the_macro_f1_is_of_single_labels_or_of_sets_above_a_half():
    draw = np.random.default_rng(0)
    truth, scores = draw.integers(3, size=50), draw.random((50, 3))
    expected = sklearn.f1_score(truth, scores.argmax(axis=1), average="macro")
    assert MetricChoice(MACRO_F1).score(truth, scores, "abc") == pytest.approx(expected)
    true = draw.random((50, 3)) < 0.4
    expected = sklearn.f1_score(true, scores > 0.5, average="macro", zero_division=0)
    assert MetricChoice(MACRO_F1).score(true.astype(float), scores, "abc") == pytest.approx(expected)
