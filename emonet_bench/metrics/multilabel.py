"""Multilabel metrics: several labels may be true of a clip at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import CorpusError

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def multilabel_macro_f1(truth: npt.ArrayLike, scores: npt.ArrayLike, thresholds: npt.ArrayLike | None = None) -> float:
    """Mean F1 over labels, a label being predicted where its score is above its threshold.

    Args:
        truth: (N, K), one where a label is true.
        scores: (N, K) in [0, 1].
        thresholds: (K,) or a single one; None: 1 / K, EMO-SUPERB's rule (Wu et al., 2024).

    Returns:
        0 to 1; a label that is neither true nor predicted anywhere counts 0, as in scikit-learn.

    Raises:
        CorpusError: There is nothing to score, the shapes differ, or a score is not finite.

    >>> multilabel_macro_f1([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.7]])
    1.0
    """
    return float(np.mean(f1_of_each(truth, scores, thresholds)))


def f1_of_each(truth: npt.ArrayLike, scores: npt.ArrayLike, thresholds: npt.ArrayLike | None = None) -> Floats:
    """F1 of each label, (K,); ``multilabel_macro_f1`` is their mean.

    Args:
        truth: As there.
        scores: Likewise.
        thresholds: Likewise.

    Raises:
        CorpusError: As ``multilabel_macro_f1`` does.
    """
    true, given = _tables(truth, scores)
    chosen = given > np.asarray(1 / true.shape[1] if thresholds is None else thresholds, np.float64)
    hits = (true & chosen).sum(axis=0)
    return np.asarray(2 * hits / np.maximum(true.sum(axis=0) + chosen.sum(axis=0), 1))


def tuned_thresholds(truth: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Choose each label's threshold for the highest F1; to be called on dev, never on test.

    Args:
        truth: (N, K), one where a label is true.
        scores: (N, K).

    Returns:
        (K,), each half-way between two scores that occur; of equally good ones the highest. A label that is never true
        gets infinity: it is never predicted.

    Raises:
        CorpusError: As ``multilabel_macro_f1`` does.

    >>> tuned_thresholds([[1], [0]], [[0.8], [0.6]]).tolist()
    [0.7]
    """
    true, given = _tables(truth, scores)
    return np.array([_best_threshold(true[:, k], given[:, k]) for k in range(true.shape[1])])


def decisions(dev_truth: npt.ArrayLike, dev_scores: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Decide by thresholds that are tuned on dev: ones where a score is above its label's threshold, else zeros.

    Args:
        dev_truth: (M, K), one where a label is true of a clip of dev.
        dev_scores: (M, K) of these clips.
        scores: (N, K) of the clips to decide on.

    Raises:
        CorpusError: As ``tuned_thresholds`` does.

    >>> decisions([[1], [0]], [[0.8], [0.6]], [[0.75], [0.65]]).tolist()
    [[1.0], [0.0]]
    """
    return np.asarray(np.asarray(scores, np.float64) > tuned_thresholds(dev_truth, dev_scores), np.float64)


def descending(scores: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the order of scores (N,), largest first, and where in it each group of equal ones ends: the thresholds.

    >>> [places.tolist() for places in descending(np.array([0.2, 0.9, 0.2]))]
    [[1, 0, 2], [0, 2]]
    """
    order = np.argsort(-scores, kind="stable")
    return order, np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))


def mean_average_precision(truth: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    r"""Mean over labels of the average precision :math:`\sum_n (R_n - R_{n-1}) P_n`; never-true labels are left out.

    Args:
        truth: (N, K), one where a label is true.
        scores: (N, K).

    Raises:
        CorpusError: As ``multilabel_macro_f1`` does, or no label is ever true.

    >>> mean_average_precision([[1], [0], [1]], [[0.9], [0.8], [0.7]])
    0.8333333333333333
    """
    each = precision_of_each(truth, scores)
    if np.isnan(each).all():
        raise CorpusError("no label is true of any clip; there is no precision to average")
    return float(np.mean(each[~np.isnan(each)]))


def precision_of_each(truth: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Average precision of each label, (K,); NaN where it is never true. ``mean_average_precision`` is their mean.

    Args:
        truth: As there.
        scores: Likewise.

    Raises:
        CorpusError: As ``multilabel_macro_f1`` does.
    """
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - slow to import

    true, given = _tables(truth, scores)
    return np.array(
        [average_precision_score(true[:, k], given[:, k]) if true[:, k].any() else np.nan for k in range(true.shape[1])]
    )


def _best_threshold(true: Bools, scores: Floats) -> float:
    if not true.any():
        return float(np.inf)
    order, last = descending(scores)
    values = scores[order][last]  # descending, each once
    hits, chosen = true[order].cumsum()[last], last + 1  # of those at or above each value
    best = int(np.argmax(2 * hits / (true.sum() + chosen)))
    below = values[best + 1] if best + 1 < len(values) else values[best] - 1.0
    return float((values[best] + below) / 2)


def _tables(truth: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Bools, Floats]:
    true, given = np.asarray(truth).astype(bool), np.asarray(scores, np.float64)
    if true.shape != given.shape or true.ndim != 2 or not len(true):  # noqa: PLR2004 - clips by labels
        raise CorpusError(f"cannot score a table of {given.shape} against a truth of {true.shape}; give clips x labels")
    if not np.isfinite(given).all():
        raise CorpusError("a score is not finite")
    return true, given
