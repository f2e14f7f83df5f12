"""Metrics of single labels from counts: how often each label is hit, true and predicted, all (..., K).

They take the counts of many resamples at once. What is returned is (..., K), a number for each label whose mean is the
score, or (...,), the score.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import CorpusError
from emonet_bench.types import names

Floats = npt.NDArray[np.float64]
OfCounts = Callable[[Floats, Floats, Floats], Floats]


class Counts(NamedTuple):
    """Counts of each label, (K,).

    Attributes:
        hits: Clips of the label that are predicted rightly.
        clips: Clips of the label.
        guesses: Clips that are predicted to have it.
    """

    hits: Floats
    clips: Floats
    guesses: Floats


def count(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Counts:
    """Count labels.

    Args:
        truth: (N,) indices of the true labels.
        predicted: (N, K), of which the largest number is the prediction.

    >>> count([0, 0, 1], [[1, 0], [0, 1], [0, 1]]).hits.tolist()
    [1.0, 1.0]
    """
    rows, given = np.asarray(truth, np.int64), np.asarray(predicted, np.float64)
    columns, labels = given.argmax(axis=1), given.shape[1]
    hits, clips, guesses = (np.bincount(each, minlength=labels) for each in (rows[rows == columns], rows, columns))
    return Counts(hits.astype(np.float64), clips.astype(np.float64), guesses.astype(np.float64))


def from_counts(metric: OfCounts, truth: npt.ArrayLike, predicted: npt.ArrayLike) -> Floats:
    """Compute a metric of counts from truth (N,) and predictions (N, K), see ``count``."""
    return metric(*count(truth, predicted))


def of_counts(metric: OfCounts) -> Callable[[npt.ArrayLike, npt.ArrayLike], Floats]:
    """Make a metric of truth (N,) and predictions (N, K) from one of counts."""
    return partial(from_counts, metric)


def recall(hits: Floats, clips: Floats, guesses: Floats) -> Floats:  # noqa: ARG001 - as all of them
    """Recall of each label; its mean is the UAR."""
    return np.asarray(hits / np.maximum(clips, 1))


def f1(hits: Floats, clips: Floats, guesses: Floats) -> Floats:
    """F1 of each label; 0 for one that is never predicted rightly."""
    return np.asarray(2 * hits / np.maximum(clips + guesses, 1))


def accuracy(hits: Floats, clips: Floats, guesses: Floats) -> Floats:  # noqa: ARG001
    """Share of clips whose prediction is right."""
    return np.asarray(hits.sum(axis=-1) / clips.sum(axis=-1))


def weighted_f1(hits: Floats, clips: Floats, guesses: Floats) -> Floats:
    """Mean F1 over labels, each weighing as many clips as it has."""
    return np.asarray((f1(hits, clips, guesses) * clips).sum(axis=-1) / clips.sum(axis=-1))


def kappa(hits: Floats, clips: Floats, guesses: Floats) -> Floats:
    r"""Cohen's kappa (1960), :math:`(p_o - p_e) / (1 - p_e)`: agreement beyond chance; 0 where there is none."""
    total = clips.sum(axis=-1)
    seen, expected = hits.sum(axis=-1) / total, (clips * guesses).sum(axis=-1) / total**2
    return np.asarray((seen - expected) / np.where(expected < 1, 1 - expected, 1))


def label_arrays(
    truth: Sequence[Hashable], prediction: Sequence[Hashable], labels: Sequence[Hashable]
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Turn labels into what metrics take: indices (N,) of the true ones, (N, K) ones where a label is predicted.

    Raises:
        CorpusError: A label is not declared, or there is nothing to score.
    """
    rows, columns = label_indices(truth, labels), label_indices(prediction, labels)
    if len(rows) != len(columns) or not len(rows):
        raise CorpusError(f"cannot score {len(columns)} predictions of {len(rows)} true labels; give one for each")
    return rows, np.eye(len(labels))[columns]


def label_indices(values: Sequence[Hashable], labels: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """Return the place of each label (N,) among the declared ones.

    Raises:
        CorpusError: One is not declared.
    """
    place = {label: index for index, label in enumerate(labels)}
    try:
        return np.array([place[value] for value in values], np.int64)
    except KeyError as error:
        raise CorpusError(f"label {error.args[0]!r} is not declared; declared: {names(labels)}") from None
