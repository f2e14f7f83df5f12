"""Metrics of soft labels against SciPy and scikit-learn."""

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import sklearn.metrics

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.votes import cross_entropy, js_divergence, kl_divergence, shares

ALL = (cross_entropy, kl_divergence, js_divergence)


@pytest.mark.parametrize("seed", range(5))
def test_they_agree_with_scipy(seed):
    random = np.random.default_rng(seed)
    votes, prediction = (
        random.integers(0, 5, (20, 4)) + np.eye(4, dtype=int)[random.integers(0, 4, 20)],
        random.random((20, 4)),
    )
    p, q = votes / votes.sum(1, keepdims=True), prediction / prediction.sum(1, keepdims=True)
    assert kl_divergence(votes, prediction) == pytest.approx(scipy.special.rel_entr(p, q).sum(1).mean())
    assert cross_entropy(votes, prediction) == pytest.approx(
        (scipy.special.entr(p) + scipy.special.rel_entr(p, q)).sum(1).mean()
    )
    expected = np.mean([scipy.spatial.distance.jensenshannon(a, b) ** 2 for a, b in zip(p, q, strict=True)])
    assert js_divergence(votes, prediction) == pytest.approx(expected)


def test_of_unanimous_votes_the_cross_entropy_is_scikit_learns_log_loss():
    truth, prediction = [0, 1, 1], np.array([[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
    assert cross_entropy(np.eye(2)[truth], prediction) == pytest.approx(sklearn.metrics.log_loss(truth, prediction))


def test_a_label_that_was_ruled_out_costs_much_and_not_infinitely_much():
    assert 20 < cross_entropy([[1, 0]], [[0.0, 1.0]]) < 100


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    ("truth", "prediction", "message"),
    [
        ([[0, 0]], [[0.5, 0.5]], "sum to nothing"),
        ([[1, -1]], [[0.5, 0.5]], "must be counts"),
        ([[1, 1]], [[0.5, np.nan]], "must be counts"),
        ([[1, 1]], [[0.5, 0.2, 0.3]], "give one for each"),
    ],
)
def test_what_cannot_be_scored_is_one_line(metric, truth, prediction, message):
    with pytest.raises(CorpusError, match=message):
        metric(truth, prediction)


def test_counts_become_shares():
    assert shares([[2, 2], [0, 3]]).tolist() == [[0.5, 0.5], [0, 1]]
