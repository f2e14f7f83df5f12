"""Classification metrics (UAR, accuracy, F1) over a corpus's declared labels: arithmetic on a confusion matrix."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import CorpusError
from emonet_bench.types import names

Labels = Sequence[Hashable]


def confusion(truth: Labels, prediction: Labels, labels: Labels) -> npt.NDArray[np.int64]:
    """Count how often each label is taken for each other.

    Args:
        truth: (N,) true labels.
        prediction: (N,) predicted labels.
        labels: The K declared labels, in order.

    Returns:
        (K, K); rows are truth, columns prediction.

    Raises:
        CorpusError: There is nothing to score, the lengths differ, or a label is not declared.

    >>> confusion(["joy", "joy", "fear"], ["joy", "fear", "fear"], labels=["fear", "joy"]).tolist()
    [[1, 0], [1, 1]]
    """
    if len(truth) != len(prediction) or not len(truth):
        raise CorpusError(f"cannot score {len(prediction)} predictions of {len(truth)} true labels; give one for each")
    rows, columns = _index(truth, labels), _index(prediction, labels)
    return np.bincount(rows * len(labels) + columns, minlength=len(labels) ** 2).reshape(len(labels), len(labels))


def unweighted_average_recall(truth: Labels, prediction: Labels, labels: Labels) -> float:
    r"""Mean recall over the declared labels: :math:`\frac{1}{K} \sum_k \frac{C_{kk}}{\sum_j C_{kj}}`.

    A declared label without a true clip counts as recall 0, as in audmetric and in scikit-learn's
    ``recall_score(labels=labels, average="macro")``: K stays the corpus's, whatever a partition lacks. Where the folds
    of a protocol lack labels, pool their predictions and score once.

    Args:
        truth: (N,) true labels.
        prediction: (N,) predicted labels.
        labels: The K declared labels.

    Raises:
        CorpusError: As ``confusion`` does.

    >>> unweighted_average_recall(["joy", "joy", "fear"], ["joy", "fear", "fear"], labels=["fear", "joy"])
    0.75
    """
    return _uar(confusion(truth, prediction, labels))


def accuracy(truth: Labels, prediction: Labels, labels: Labels) -> float:
    """Share of clips whose prediction is right.

    Raises:
        CorpusError: As ``confusion`` does.

    >>> accuracy([0, 0, 1, 1], [0, 0, 1, 0], labels=[0, 1])
    0.75
    """
    return _accuracy(confusion(truth, prediction, labels))


def recalls(truth: Labels, prediction: Labels, labels: Labels) -> dict[str, float | None]:
    """Recall of each declared label; None where no clip truly has it.

    Raises:
        CorpusError: As ``confusion`` does.

    >>> recalls(["joy", "joy", "joy"], ["joy", "joy", "fear"], labels=["fear", "joy"])
    {'fear': None, 'joy': 0.6666666666666666}
    """
    return _recalls(confusion(truth, prediction, labels), labels)


def macro_f1(truth: Labels, prediction: Labels, labels: Labels) -> float:
    """Mean F1 over the declared labels; 0 for a label that is never predicted rightly.

    Raises:
        CorpusError: As ``confusion`` does.

    >>> macro_f1(["joy", "joy", "fear"], ["joy", "fear", "fear"], labels=["fear", "joy"])
    0.6666666666666666
    """
    return _macro_f1(confusion(truth, prediction, labels))


def scores(truth: Labels, prediction: Labels, labels: Labels) -> dict[str, Any]:
    """Score one partition in the form of ``result.json``: ``uar``, ``accuracy``, ``macro_f1``, each label's ``recall``.

    Raises:
        CorpusError: As ``confusion`` does.
    """
    matrix = confusion(truth, prediction, labels)
    return {
        "uar": _uar(matrix),
        "accuracy": _accuracy(matrix),
        "macro_f1": _macro_f1(matrix),
        "recall": _recalls(matrix, labels),
    }


def _index(values: Labels, labels: Labels) -> npt.NDArray[np.int64]:
    place = {label: index for index, label in enumerate(labels)}
    try:
        return np.array([place[value] for value in values], np.int64)
    except KeyError as error:
        raise CorpusError(f"label {error.args[0]!r} is not declared; declared: {names(labels)}") from None


def _uar(matrix: npt.NDArray[np.int64]) -> float:
    return float(np.mean(np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)))


def _accuracy(matrix: npt.NDArray[np.int64]) -> float:
    return float(np.trace(matrix) / matrix.sum())


def _macro_f1(matrix: npt.NDArray[np.int64]) -> float:
    return float(np.mean(2 * np.diag(matrix) / np.maximum(matrix.sum(axis=0) + matrix.sum(axis=1), 1)))


def _recalls(matrix: npt.NDArray[np.int64], labels: Labels) -> dict[str, float | None]:
    counts = matrix.sum(axis=1)
    return {
        str(label): float(hits / count) if count else None
        for label, hits, count in zip(labels, np.diag(matrix), counts, strict=True)
    }
