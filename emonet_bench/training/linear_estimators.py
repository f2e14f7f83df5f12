"""Linear estimators of scikit-learn, and their coefficients as the weights of a linear layer."""

from __future__ import annotations

import warnings
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

LinearKind = Literal["svm", "logistic", "ridge"]
LINEAR_KINDS: tuple[LinearKind, ...] = get_args(LinearKind)

ABSENT_LOGIT = -1000.0
"""The logit of a label that no training clip has."""

Array = npt.NDArray[np.float64]


def fit_estimator(
    kind: LinearKind, rows: Array, targets: npt.NDArray[Any], c: float, seed: int, *, balanced: bool
) -> Any:
    """Fit a linear estimator.

    Args:
        kind: ``svm``, ``logistic`` or, of values, ``ridge``.
        rows: (N, D) standardised features.
        targets: (N,) indices of labels; of values (N, K) their places on their scales.
        c: Cost C of a mistake, beside a penalty of half the squared norm of the weights. Ridge regression has the
            penalty alpha = 1 / (2 C) beside squared mistakes, which is the same weighing.
        seed: Of what is random.
        balanced: Whether labels are weighed by their inverse frequency.
    """
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - slow to import
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    weights = "balanced" if balanced else None
    model: Any
    if kind == "ridge":
        model = Ridge(alpha=1 / (2 * c))
    elif kind == "svm":
        model = LinearSVC(C=c, class_weight=weights, dual=True, random_state=seed)
    else:
        model = LogisticRegression(C=c, class_weight=weights, max_iter=1000, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # dev decides what a large C is worth
        return model.fit(rows, targets)


def as_logits(model: Any, coefficients: Array, classes: int) -> tuple[Tensor, Tensor]:
    """Spread the decision functions of the labels in train over all labels; those of values stand as they are.

    Args:
        model: A fitted estimator.
        coefficients: (functions, D) its own, or what has been made of them.
        classes: Number of labels or attributes.

    Returns:
        Weight (classes, D) and bias (classes,).
    """
    if not hasattr(model, "classes_"):
        return torch.from_numpy(coefficients).float(), torch.from_numpy(np.atleast_1d(model.intercept_)).float()
    weight = torch.zeros(classes, coefficients.shape[1])
    bias = torch.full((classes,), ABSENT_LOGIT)
    present = torch.from_numpy(model.classes_)
    bias[present] = 0.0
    if len(present) == 2:  # noqa: PLR2004 - one function, positive for the second
        present = present[1:]
    weight[present] = torch.from_numpy(coefficients).float()
    bias[present] = torch.from_numpy(model.intercept_).float()
    return weight, bias
