"""Linear models against scikit-learn's, over waveforms and over kept features."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from emonet_bench.errors import TrainingError
from emonet_bench.metrics.choice import MetricChoice, choose_metric
from emonet_bench.metrics.defaults import DEFAULTS
from emonet_bench.metrics.regression import concordance_correlation
from emonet_bench.plugins.loading import Plugins
from emonet_bench.training.linear_estimators import ABSENT_LOGIT
from emonet_bench.training.linear_models import Rows, choose_linear_model
from emonet_bench.types import Target

OPTIONS = SimpleNamespace(c_grid=(1.0, 0.01, 0.1), balanced=True, batch_size=4)


def rows_of(seed, signal=1.0, labels=(0, 1, 2), sets=None):
    generator = np.random.default_rng(seed)
    targets = np.array(labels)[np.arange(90) % len(labels)]
    values = generator.normal(3.0, 2.0, (90, 6))
    values[np.arange(90), targets] += signal * 3
    if sets is not None:
        values = np.stack([generator.normal(0, 1, (90, 6)) if place != sets else values for place in range(3)], 1)
    return Rows(values, targets)


def logits(model, values):
    scaled = (torch.from_numpy(values) - model.mean) / model.scale
    return scaled @ model.weight.double().T + model.bias


def model_of(kind, c):
    if kind == "svm":
        return LinearSVC(C=c, class_weight="balanced", dual=True, random_state=0)
    return LogisticRegression(C=c, class_weight="balanced", max_iter=1000)


@pytest.mark.parametrize("kind", ["svm", "logistic"])
@pytest.mark.parametrize("labels", [(0, 1), (0, 1, 2)])
def test_logits_are_scikit_learns_decision_values_and_c_is_the_best_on_dev(kind, labels):
    train, dev = rows_of(0, 0.4, labels), rows_of(1, 0.4, labels)
    found = choose_linear_model(train, dev, len(labels), OPTIONS, 0, kind=kind)
    scores = {}
    for c in sorted(OPTIONS.c_grid):
        pipeline = make_pipeline(StandardScaler(), model_of(kind, c)).fit(*train[:2])
        scores[c] = balanced_accuracy_score(dev.targets, pipeline.predict(dev.values))
    assert found.c == max(scores, key=scores.get)
    assert found.dev_score == pytest.approx(scores[found.c])
    expected = make_pipeline(StandardScaler(), model_of(kind, found.c)).fit(*train[:2]).decision_function(dev.values)
    own = logits(found, dev.values)
    own = own[:, 1] - own[:, 0] if len(labels) == 2 else own
    np.testing.assert_allclose(own, expected, atol=2e-3)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_set_of_features_that_is_best_on_dev_is_taken(place):
    train, dev = rows_of(0, 2.0, sets=place), rows_of(1, 2.0, sets=place)
    found = choose_linear_model(train, dev, 3, OPTIONS, 0)
    assert found.place == place
    alone = choose_linear_model(
        Rows(train.values[:, place], train.targets), Rows(dev.values[:, place], dev.targets), 3, OPTIONS, 0
    )
    assert torch.equal(alone.weight, found.weight)


def test_of_equal_sets_the_first_is_taken():
    train, dev = (Rows(np.stack([rows.values] * 2, 1), rows.targets) for rows in (rows_of(0), rows_of(1)))
    assert choose_linear_model(train, dev, 3, OPTIONS, 0).place == 0


@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_a_label_without_training_clips_is_never_predicted(kind):
    found = choose_linear_model(rows_of(0, labels=(0, 2)), rows_of(1, labels=(0, 2)), 4, OPTIONS, 0, kind=kind)
    own = logits(found, rows_of(2).values)
    assert (own[:, [1, 3]] == ABSENT_LOGIT).all()
    assert set(own.argmax(1).tolist()) == {0, 2}


def test_features_that_are_not_finite_are_one_line():
    train = rows_of(0)
    train.values[3, 2] = np.nan
    with pytest.raises(TrainingError, match="features are not finite"):
        choose_linear_model(train, rows_of(1), 3, OPTIONS, 0)


@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_with_more_features_than_clips_it_is_the_model_of_all_features(kind):
    random = np.random.default_rng(0)
    rows = Rows(random.normal(size=(40, 300)), np.arange(40) % 3)
    options = SimpleNamespace(c_grid=(0.01,), balanced=True, batch_size=8)
    found = choose_linear_model(rows, rows, 3, options, 0, kind=kind)
    oracle = model_of(kind, 0.01).set_params(tol=1e-8, max_iter=100_000)
    pipeline = make_pipeline(StandardScaler(), oracle).fit(*rows[:2])
    np.testing.assert_allclose(logits(found, rows.values), pipeline.decision_function(rows.values), atol=2e-3)
    assert found.notes == {"C": f"0.01, of UAR {found.dev_score:.3f} on dev"}


@pytest.mark.parametrize("name", ["kappa", "ece", "uar:b"])
def test_c_is_chosen_by_the_metric_that_selects_on_dev(name):
    draw = np.random.default_rng(0)
    chosen = choose_metric(name, Plugins(corpora=False).metrics, "training.selection")
    sides = []
    for _ in range(2):
        targets = draw.integers(3, size=60)
        sides.append(Rows(np.eye(3)[targets] + draw.normal(size=(60, 3)) * 2, targets, chosen, ("a", "b", "c")))
    grid = (1e-4, 1e-2, 1.0, 100.0)
    singles = [choose_linear_model(*sides, 3, Grid((c,)), 0, kind="logistic") for c in grid]
    found = choose_linear_model(*sides, 3, Grid(grid), 0, kind="logistic")
    assert chosen.rank(found.dev_score) == max(chosen.rank(one.dev_score) for one in singles)
    assert found.notes["C"] == f"{found.c:g}, of {chosen.title} {found.dev_score:.3f} on dev"


@dataclass
class Grid:
    c_grid: tuple[float, ...]
    balanced: bool = True
    batch_size: int = 32


def value_rows(seed, names):
    """Features that say something of attributes; their places on a scale from 1 to 7."""
    draw = np.random.default_rng(seed)
    places = draw.uniform(-1, 1, (50, len(names)))
    values = draw.normal(3, 2, (50, 8))
    values[:, : len(names)] += 2 * places
    target = Target("values", "values", names, ((1, 7),) * len(names))
    return Rows(values, places, MetricChoice(DEFAULTS["values"]), names, target, 4 + 3 * places)


@pytest.mark.parametrize("names", [("arousal",), ("arousal", "valence"), ("arousal", "valence", "dominance")])
def test_ridge_regression_is_scikit_learns_and_c_has_the_best_concordance_on_dev(names):
    train, dev = value_rows(0, names), value_rows(1, names)
    options = SimpleNamespace(c_grid=(1e-6, 1e-3, 10.0), balanced=True, batch_size=4)
    found = choose_linear_model(train, dev, len(names), options, 0, kind="ridge")
    told = {}
    for c in options.c_grid:
        pipeline = make_pipeline(StandardScaler(), Ridge(alpha=1 / (2 * c))).fit(train.values, train.targets)
        places = pipeline.predict(dev.values).reshape(50, -1)
        each = [concordance_correlation(dev.truth[:, k], 4 + 3 * places[:, k]) for k in range(len(names))]
        told[c] = np.mean(each), places
    assert found.c == max(told, key=lambda c: told[c][0])
    assert found.dev_score == pytest.approx(told[found.c][0])
    np.testing.assert_allclose(logits(found, dev.values), told[found.c][1], atol=1e-5)
