"""Linear estimators as weights: what a linear layer makes of them is what scikit-learn decides."""

import numpy as np
import pytest
import torch

from emonet_bench.training.linear_estimators import ABSENT_LOGIT, LINEAR_KINDS, as_logits, fit_estimator

ROWS = np.random.default_rng(0).normal(size=(60, 5))


def layer(model, classes):
    weight, bias = as_logits(model, np.atleast_2d(model.coef_), classes)
    return (torch.from_numpy(ROWS).float() @ weight.T + bias).numpy()


@pytest.mark.parametrize("kind", [kind for kind in LINEAR_KINDS if kind != "ridge"])
@pytest.mark.parametrize("labels", [(0, 1), (0, 2, 3)])
def test_the_largest_logit_is_the_label_that_scikit_learn_predicts(kind, labels):
    targets = np.array(labels)[np.abs(ROWS[:, : len(labels)]).argmax(1)]
    model = fit_estimator(kind, ROWS, targets, 0.1, 0, balanced=True)
    found = layer(model, 4)
    assert (found.argmax(1) == model.predict(ROWS)).all()
    assert (found[:, sorted({0, 1, 2, 3} - set(labels))] == ABSENT_LOGIT).all()


@pytest.mark.parametrize("attributes", [1, 2])
def test_ridge_regression_solves_its_normal_equations(attributes):
    targets = ROWS[:, :attributes] + 0.3
    found = layer(fit_estimator("ridge", ROWS, targets, 0.05, 0, balanced=False), attributes)
    centred = ROWS - ROWS.mean(0)
    weight = np.linalg.solve(centred.T @ centred + 10 * np.eye(5), centred.T @ (targets - targets.mean(0)))
    np.testing.assert_allclose(found, centred @ weight + targets.mean(0), atol=1e-5)
