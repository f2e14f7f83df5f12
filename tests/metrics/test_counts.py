"""Metrics of counts against scikit-learn, of one partition and of many resamples at once."""

import numpy as np
import pytest

from emonet_bench.errors import CorpusError
from emonet_bench.metrics import counts

sklearn = pytest.importorskip("sklearn.metrics")

ORACLES = {
    counts.recall: lambda t, p: sklearn.recall_score(t, p, labels=range(4), average=None, zero_division=0),
    counts.f1: lambda t, p: sklearn.f1_score(t, p, labels=range(4), average=None, zero_division=0),
    counts.accuracy: sklearn.accuracy_score,
    counts.weighted_f1: lambda t, p: sklearn.f1_score(t, p, labels=range(4), average="weighted", zero_division=0),
    counts.kappa: sklearn.cohen_kappa_score,
}


def clips(seed, count=200):
    draw = np.random.default_rng(seed)
    truth = draw.integers(3, size=count)  # the fourth label is never true
    return truth, np.where(draw.random(count) < 0.5, truth, draw.integers(4, size=count))


@pytest.mark.parametrize("metric", ORACLES, ids=lambda metric: metric.__name__)
def test_a_metric_is_scikit_learns(metric):
    truth, prediction = clips(0)
    found = counts.of_counts(metric)(truth, np.eye(4)[prediction])
    np.testing.assert_allclose(found, ORACLES[metric](truth, prediction), atol=1e-12)


@pytest.mark.parametrize("metric", ORACLES, ids=lambda metric: metric.__name__)
def test_many_resamples_are_scored_at_once(metric):
    each = [counts.count(truth, np.eye(4)[guess]) for truth, guess in map(clips, range(5))]
    together = metric(*(np.stack(side) for side in zip(*each, strict=True)))
    np.testing.assert_allclose(together, [metric(*one) for one in each])


def test_agreement_that_chance_explains_is_none():
    everything = np.zeros(5, int)
    assert counts.of_counts(counts.kappa)(everything, np.eye(2)[everything]) == 0
    assert counts.of_counts(counts.kappa)([0, 1, 0, 1], np.eye(2)[[0, 0, 1, 1]]) == 0


def test_labels_become_places_and_ones():
    truth, predicted = counts.label_arrays(["joy", "fear"], ["fear", "fear"], ["fear", "joy"])
    assert (truth.tolist(), predicted.tolist()) == ([1, 0], [[1, 0], [1, 0]])
    with pytest.raises(CorpusError, match="label 'anger' is not declared; declared: 'fear', 'joy'"):
        counts.label_arrays(["anger"], ["joy"], ["fear", "joy"])
    with pytest.raises(CorpusError, match="cannot score 1 predictions of 0 true labels"):
        counts.label_arrays([], ["joy"], ["joy"])
