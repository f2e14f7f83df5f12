"""Metrics of weighted clips: many resamples of a bootstrap scored at once, each saying how often it draws every clip.

All take truth and predictions (N, K), as the metrics of the same names do, and weights (B, N). They return (B, K), a
number for each label or attribute, or (B,); NaN where the clips of a resample say nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics.multilabel import descending

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def concordance_correlation(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """CCC of each attribute, from weighted moments; see ``regression.concordance_correlation``."""
    return _of_attributes(_concordance, truth, predicted, weights)


def pearson_correlation(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """Pearson's correlation of each attribute, from weighted moments."""
    return _of_attributes(_pearson, truth, predicted, weights)


def mean_absolute_error(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """Mean absolute error of each attribute."""
    return _of_attributes(lambda x, y, w: _mean(np.abs(x - y), w), truth, predicted, weights)


def root_mean_squared_error(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """Root of the mean squared error of each attribute."""
    return _of_attributes(lambda x, y, w: np.sqrt(_mean(np.square(x - y), w)), truth, predicted, weights)


def mean_over_clips(
    metric: Callable[[npt.ArrayLike, npt.ArrayLike], Floats],
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    weights: npt.ArrayLike,
) -> Floats:
    """Weighted mean, (B,), of what a metric such as ``votes.cross_entropies`` says of each clip, (N,)."""
    return _mean(metric(truth, predicted), np.asarray(weights, np.float64))


def f1_of_each(
    threshold: float | None, truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike
) -> Floats:
    """F1 of each label of a label set; see ``multilabel.f1_of_each``."""
    given = np.asarray(predicted, np.float64)
    return _f1(np.asarray(truth).astype(bool), given, threshold, weights)


def f1_above_share(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """F1 of each label, true and predicted where its share or score is above 1 / K: EMO-SUPERB's rule."""
    shares = np.asarray(truth, np.float64)
    return _f1(shares > 1 / shares.shape[1], np.asarray(predicted, np.float64), None, weights)


def plurality_uar(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """UAR against the label with most votes, (B,); see ``targets.plurality_uar``."""
    shares, given = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    clear = (shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1
    most = np.eye(shares.shape[1])[shares.argmax(axis=1)] * clear[:, None]  # (N, K)
    drawn = np.asarray(weights, np.float64)
    clips = drawn @ most  # (B, K)
    hits = drawn @ (most * (given.argmax(axis=1) == shares.argmax(axis=1))[:, None])
    found = (clips > 0).sum(axis=1)
    return np.asarray((hits / np.maximum(clips, 1)).sum(axis=1) / np.maximum(found, 1))


def average_precision(truth: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    r"""Average precision of each label, :math:`\sum_n (R_n - R_{n-1}) P_n`; see ``multilabel.precision_of_each``.

    Clips are sorted once for all resamples; a threshold stands below each group of equal scores.
    """
    true, given = np.asarray(truth).astype(bool), np.asarray(predicted, np.float64)
    drawn = np.asarray(weights, np.float64)
    return np.stack([_precision(true[:, k], given[:, k], drawn) for k in range(true.shape[1])], axis=1)


def _precision(true: Bools, scores: Floats, weights: Floats) -> Floats:
    order, ends = descending(scores)
    ordered = weights[:, order]
    seen = ordered.cumsum(axis=1)[:, ends]  # (B, T)
    hits = (ordered * true[order]).cumsum(axis=1)[:, ends]
    steps = np.diff(hits, axis=1, prepend=0)
    total = hits[:, -1]
    area = (steps * hits / np.maximum(seen, 1)).sum(axis=1)
    return np.where(total > 0, area / np.maximum(total, 1), np.nan)


def _f1(true: Bools, scores: Floats, threshold: float | None, weights: npt.ArrayLike) -> Floats:
    chosen = scores > (1 / true.shape[1] if threshold is None else threshold)
    drawn = np.asarray(weights, np.float64)
    both = drawn @ true.astype(np.float64) + drawn @ chosen.astype(np.float64)  # (B, K)
    return np.asarray(2 * (drawn @ (true & chosen).astype(np.float64)) / np.maximum(both, 1))


def _of_attributes(
    metric: Callable[[Floats, Floats, Floats], Floats],
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    weights: npt.ArrayLike,
) -> Floats:
    """Compute a metric of one attribute, (N,) and (B, N) to (B,), of each; clips whose truth is NaN are left out."""
    drawn, columns = np.asarray(weights, np.float64), []
    for x, y in zip(np.asarray(truth, np.float64).T, np.asarray(predicted, np.float64).T, strict=True):
        known = ~np.isnan(x)
        columns.append(metric(x[known], y[known], drawn if known.all() else drawn[:, known]))
    return np.stack(columns, axis=1)


def _mean(values: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1)
    return np.where(total > 0, weights @ values / np.maximum(total, 1), np.nan)


def _concordance(x: Floats, y: Floats, weights: Floats) -> Floats:
    apart, (own, other, both) = _moments(x, y, weights)
    whole = own + other + apart**2
    return np.where(whole == 0, 1.0, 2 * both / np.where(whole == 0, 1, whole))


def _pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    _, (own, other, both) = _moments(x, y, weights)
    spread = np.sqrt(own * other)
    return np.where(spread == 0, 0.0, np.clip(both / np.where(spread == 0, 1, spread), -1, 1))


def _moments(x: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the difference of the two means (B,), both variances and the covariance (3, B); NaN where none is drawn.

    Values are centred on their means over all clips first: what is left to cancel is small.
    """
    centre = (x.mean(), y.mean()) if len(x) else (0.0, 0.0)
    x, y = x - centre[0], y - centre[1]
    first, second, own, other, both = (_mean(column, weights) for column in (x, y, x * x, y * y, x * y))
    spreads = np.stack([own - first**2, other - second**2, both - first * second])
    tiny = 1e-15 * np.stack([own, other, np.sqrt(own * other)])  # a constant's variance is rounding
    spreads = np.where(np.abs(spreads) <= tiny, 0.0, spreads)
    return first - second + centre[0] - centre[1], spreads
