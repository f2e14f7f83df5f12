"""Metrics of a kind of target."""

import audmetric
import numpy as np
import pytest
from scipy.stats import entropy, pearsonr
from sklearn.metrics import average_precision_score, f1_score, recall_score

from emonet_bench.metrics.targets import plurality_uar, target_scores
from emonet_bench.types import Target

GENERATOR = np.random.default_rng(0)
SHARES = GENERATOR.dirichlet(np.ones(3), 50)
GIVEN = GENERATOR.dirichlet(np.ones(3), 50)


def test_values_have_each_attributes_metrics_and_their_mean_and_ccc_comes_first():
    truth, given = GENERATOR.normal(size=(2, 40, 2))
    target = Target("v", "values", ("arousal", "valence"), ((-9.0, 9.0), (-9.0, 9.0)))
    scores = target_scores(target, truth, given)
    ccc = [audmetric.concordance_cc(truth[:, k], given[:, k]) for k in range(2)]
    assert next(iter(scores)) == "ccc"
    assert [scores["ccc:arousal"], scores["ccc:valence"]] == pytest.approx(ccc)
    assert scores["ccc"] == pytest.approx(np.mean(ccc))
    assert scores["pearson:valence"] == pytest.approx(pearsonr(truth[:, 1], given[:, 1])[0])
    assert scores["mae"] == pytest.approx(np.abs(truth - given).mean())


def test_label_sets_are_scored_at_one_half_as_scikit_learn_scores_them():
    truth, given = GENERATOR.random((40, 3)) > 0.5, GENERATOR.random((40, 3))
    scores = target_scores(Target("s", "label-set", ("a", "b", "c")), truth, given)
    assert next(iter(scores)) == "macro_f1"
    assert scores["macro_f1"] == pytest.approx(f1_score(truth, given > 0.5, average="macro"))
    assert scores["map"] == pytest.approx(average_precision_score(truth, given, average="macro"))


def test_votes_are_scored_by_divergences_and_by_the_label_with_most_votes():
    scores = target_scores(Target("v", "votes", ("a", "b", "c")), SHARES, GIVEN)
    recall = recall_score(SHARES.argmax(1), GIVEN.argmax(1), average="macro")
    assert next(iter(scores)) == "plurality_uar"
    assert scores["plurality_uar"] == pytest.approx(recall)
    assert scores["kl_divergence"] == pytest.approx(entropy(SHARES, GIVEN, axis=1).mean())


def test_ties_and_labels_without_a_clip_are_left_out_of_the_pluralitys_uar():
    assert plurality_uar([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0]], [[1.0, 0.0, 0.0], [0.1, 0.9, 0.0]]) == 1.0
    assert plurality_uar([[0.5, 0.5]], [[1.0, 0.0]]) == 0.0
