"""Built-in metrics against scikit-learn, SciPy and audmetric: each kind of target, whole partitions."""

from functools import partial

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, pearsonr

from emonet_bench.errors import CorpusError
from emonet_bench.metrics.choice import choose_metric
from emonet_bench.plugins.loading import Plugins, Selection

audmetric = pytest.importorskip("audmetric")
sklearn = pytest.importorskip("sklearn.metrics")
KNOWN = Plugins(Selection(names=("builtins",), strict=True), corpora=False).metrics
NAMES = ("a", "b", "c")


def score(name, truth, predicted):
    return choose_metric(name, KNOWN, "test").score(truth, predicted, NAMES)


def draw(seed=0):
    return np.random.default_rng(seed)


LABELS = draw().integers(3, size=150)
PROBABILITIES = draw(1).dirichlet([1, 1, 1], size=150) * 0.7 + 0.3 * np.eye(3)[LABELS]
GUESSES = PROBABILITIES.argmax(axis=1)
VOTES = draw(2).multinomial(5, [0.5, 0.3, 0.2], size=150) / 5
SETS = (draw(3).random((150, 3)) < 0.4).astype(float)
SCORES = np.clip(0.5 * SETS + draw(4).random((150, 3)) * 0.6, 0, 1)
VALUES = draw(5).uniform(1, 7, (150, 3))
GIVEN = VALUES * 0.5 + draw(6).normal(2, 1, (150, 3))


def each(metric):
    return np.mean([metric(VALUES[:, k], GIVEN[:, k]) for k in range(3)])


def divergence():
    return (jensenshannon(VOTES, PROBABILITIES, axis=1) ** 2).mean()


def plurality():
    clear = (VOTES.max(axis=1, keepdims=True) == VOTES).sum(axis=1) == 1
    assert not clear.all()
    return sklearn.balanced_accuracy_score(VOTES[clear].argmax(axis=1), GUESSES[clear])


def pearson(x, y):
    return pearsonr(x, y).statistic


def naive_calibration_error():
    confidence, right, total = PROBABILITIES.max(axis=1), GUESSES == LABELS, 0.0
    for low in range(15):
        within = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if within.any():
            total += within.mean() * abs(confidence[within].mean() - right[within].mean())
    return total


DECIDED = np.array([0.3, 0.5, 0.7])  # thresholds, as if they were dev's; the decisions are scored

ORACLES = {
    "uar": (LABELS, PROBABILITIES, lambda: audmetric.unweighted_average_recall(LABELS, GUESSES, labels=[0, 1, 2])),
    "accuracy": (LABELS, PROBABILITIES, lambda: audmetric.accuracy(LABELS, GUESSES)),
    "macro_f1": (LABELS, PROBABILITIES, lambda: sklearn.f1_score(LABELS, GUESSES, average="macro")),
    "weighted_f1": (LABELS, PROBABILITIES, lambda: sklearn.f1_score(LABELS, GUESSES, average="weighted")),
    "kappa": (LABELS, PROBABILITIES, lambda: sklearn.cohen_kappa_score(LABELS, GUESSES)),
    "ece": (LABELS, PROBABILITIES, naive_calibration_error),
    "plurality_uar": (VOTES, PROBABILITIES, plurality),
    "macro_f1_1c": (VOTES, PROBABILITIES, lambda: sklearn.f1_score(VOTES > 1 / 3, PROBABILITIES > 1 / 3, average="macro")),
    "tuned_macro_f1": (SETS, SCORES > DECIDED, lambda: sklearn.f1_score(SETS, SCORES > DECIDED, average="macro")),
    "map": (SETS, SCORES, lambda: sklearn.average_precision_score(SETS, SCORES, average="macro")),
    "cross_entropy": (VOTES, PROBABILITIES, lambda: -(VOTES * np.log(PROBABILITIES)).sum(axis=1).mean()),
    "kl_divergence": (VOTES, PROBABILITIES, lambda: entropy(VOTES, PROBABILITIES, axis=1).mean()),
    "js_divergence": (VOTES, PROBABILITIES, divergence),
    "ccc": (VALUES, GIVEN, partial(each, audmetric.concordance_cc)),
    "pearson": (VALUES, GIVEN, partial(each, pearson)),
    "mae": (VALUES, GIVEN, lambda: sklearn.mean_absolute_error(VALUES, GIVEN)),
    "rmse": (VALUES, GIVEN, lambda: sklearn.root_mean_squared_error(VALUES, GIVEN)),
}  # fmt: skip


def test_every_metric_has_an_oracle():
    assert ORACLES.keys() == KNOWN.keys()


@pytest.mark.parametrize("name", ORACLES)
def test_a_metric_is_its_oracles(name):
    truth, predicted, oracle = ORACLES[name]
    assert score(name, truth, predicted) == pytest.approx(oracle())


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("uar:b", lambda: sklearn.recall_score(LABELS, GUESSES, average=None)[1]),
        ("macro_f1:b", lambda: sklearn.f1_score(LABELS, GUESSES, average=None)[1]),
        ("map:b", lambda: sklearn.average_precision_score(SETS[:, 1], SCORES[:, 1])),
        ("ccc:b", lambda: audmetric.concordance_cc(VALUES[:, 1], GIVEN[:, 1])),
        ("rmse:b", lambda: sklearn.root_mean_squared_error(VALUES[:, 1], GIVEN[:, 1])),
    ],
)
def test_one_label_or_attribute_can_be_asked_for(name, oracle):
    truth, predicted, _ = ORACLES[name.partition(":")[0]]
    assert score(name, truth, predicted) == pytest.approx(oracle())


def test_label_sets_have_macro_f1s_too():
    assert score("macro_f1", SETS, SCORES) == pytest.approx(sklearn.f1_score(SETS, SCORES > 0.5, average="macro"))
    assert score("macro_f1_1c", SETS, SCORES) == pytest.approx(sklearn.f1_score(SETS, SCORES > 1 / 3, average="macro"))


def test_a_label_that_is_never_true_is_left_out_of_the_mean_precision():
    rare = SETS * [1, 1, 0]
    expected = sklearn.average_precision_score(rare[:, :2], SCORES[:, :2], average="macro")
    assert score("map", rare, SCORES) == pytest.approx(expected)
    with pytest.raises(CorpusError, match="mAP says nothing of these clips"):
        score("map", SETS * 0, SCORES)


def test_errors_and_divergences_are_the_better_the_smaller():
    small = {name for name, metric in KNOWN.items() if not metric.higher_is_better}
    assert small == {"ece", "cross_entropy", "kl_divergence", "js_divergence", "mae", "rmse"}
