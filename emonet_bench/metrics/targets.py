"""Metrics of a kind of target: the scores of a partition, of which the first selects on dev."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics import classification, counts, multilabel, regression, votes
from emonet_bench.types import Target, TargetKind

Floats = npt.NDArray[np.float64]


def target_scores(target: Target, truth: npt.ArrayLike, prediction: npt.ArrayLike) -> dict[str, float]:
    """Score the predictions of a whole partition.

    Args:
        target: Of any kind but ``label``, see ``classification``.
        truth: (N, K): shares of votes, ones where a label is true, or numbers on scales.
        prediction: (N, K): probabilities, scores in [0, 1], or numbers on scales.

    Returns:
        Scores by the metric's name; the first selects on dev, higher is better. Of values each attribute has its own,
        ``ccc:arousal``, and ``ccc`` is their mean.

    Raises:
        CorpusError: They cannot be scored.
    """
    return _SCORES[target.kind](target.names, np.asarray(truth, np.float64), np.asarray(prediction, np.float64))


def f1_of_each(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """F1 of each label: of single labels (N,), or of those of a label set (N, K) whose score is above a half."""
    if np.ndim(truth) == 1:
        return counts.from_counts(counts.f1, truth, predicted)
    return multilabel.f1_of_each(truth, predicted, 0.5)


def plurality_uar(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Return the UAR of the most probable label against the one with most votes; ties among votes are left out.

    Labels that no clip has most votes for are left out of the mean; 0 where every clip is a tie.

    Args:
        truth: (N, K) shares of votes.
        prediction: (N, K) probabilities.

    >>> plurality_uar([[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]], [[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    0.5
    """
    shares, given = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    clear = (shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1
    if not clear.any():
        return 0.0
    most = shares[clear].argmax(axis=1)
    found: Sequence[int] = np.unique(most).tolist()
    recalls = classification.recalls(most.tolist(), given[clear].argmax(axis=1).tolist(), range(shares.shape[1]))
    return float(np.mean([recalls[str(label)] for label in found]))


def _vote_scores(_: Sequence[str], truth: Floats, prediction: Floats) -> dict[str, float]:
    return {
        "plurality_uar": plurality_uar(truth, prediction),
        "cross_entropy": votes.cross_entropy(truth, prediction),
        "kl_divergence": votes.kl_divergence(truth, prediction),
        "js_divergence": votes.js_divergence(truth, prediction),
    }


def _set_scores(_: Sequence[str], truth: Floats, prediction: Floats) -> dict[str, float]:
    found = {"macro_f1": multilabel.multilabel_macro_f1(truth, prediction, 0.5)}
    if truth.any():
        found["map"] = multilabel.mean_average_precision(truth, prediction)
    return found


def _value_scores(names: Sequence[str], truth: Floats, prediction: Floats) -> dict[str, float]:
    metrics: dict[str, Callable[[Floats, Floats], float]] = {
        "ccc": regression.concordance_correlation,
        "pearson": regression.pearson_correlation,
        "mae": regression.mean_absolute_error,
        "rmse": regression.root_mean_squared_error,
    }
    found: dict[str, float] = {}
    for metric, compute in metrics.items():
        each = {f"{metric}:{name}": compute(truth[:, k], prediction[:, k]) for k, name in enumerate(names)}
        found |= {metric: float(np.mean(list(each.values()))), **each}
    return found


_SCORES: Mapping[TargetKind, Callable[[Sequence[str], Floats, Floats], dict[str, float]]] = {
    "votes": _vote_scores,
    "label-set": _set_scores,
    "values": _value_scores,
}
