"""Metrics of soft labels: cross-entropy, Kullback-Leibler and Jensen-Shannon divergence to annotators' votes.

Truth and prediction are distributions over the labels, a row for each clip; all are means over clips, in nats.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import CorpusError

Floats = npt.NDArray[np.float64]

_TINY = 1e-12
"""Probabilities are kept above this: a label that was ruled out costs much, not infinitely much."""


def shares(votes: npt.ArrayLike) -> Floats:
    """Turn counts of votes (N, K) into distributions (N, K).

    Raises:
        CorpusError: A clip has no vote, or a count is negative or not finite.

    >>> shares([[1, 3]]).tolist()
    [[0.25, 0.75]]
    """
    counts = np.asarray(votes, np.float64)
    if counts.ndim != 2 or not np.isfinite(counts).all() or (counts < 0).any():  # noqa: PLR2004 - clips by labels
        raise CorpusError("votes must be counts, a row for each clip and a column for each label")
    sums = counts.sum(axis=1, keepdims=True)
    if not (sums > 0).all():
        raise CorpusError(f"the votes of clip {int(np.argmin(sums))} (from 0) sum to nothing; leave the clip out")
    return np.asarray(counts / sums)


def cross_entropy(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    r"""Mean over clips of :math:`-\sum_k p_k \log q_k`.

    Args:
        truth: (N, K) distributions or counts p.
        prediction: (N, K) probabilities q.

    Raises:
        CorpusError: The shapes differ, a row sums to nothing, or a number is not finite.

    >>> round(cross_entropy([[1, 1]], [[0.5, 0.5]]), 6)
    0.693147
    """
    return float(cross_entropies(truth, prediction).mean())


def kl_divergence(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    r"""Mean over clips of :math:`\sum_k p_k \log (p_k / q_k)`, Kullback and Leibler's divergence of q from p.

    Args:
        truth: (N, K) distributions or counts p.
        prediction: (N, K) probabilities q.

    Raises:
        CorpusError: As ``cross_entropy`` does.

    >>> kl_divergence([[1, 1]], [[0.5, 0.5]])
    0.0
    """
    return float(kl_divergences(truth, prediction).mean())


def js_divergence(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    r"""Mean over clips of the Jensen-Shannon divergence, :math:`(KL(p \| m) + KL(q \| m)) / 2` with m their mean.

    Args:
        truth: (N, K) distributions or counts p.
        prediction: (N, K) probabilities q.

    Returns:
        0 to log 2.

    Raises:
        CorpusError: As ``cross_entropy`` does.

    >>> round(js_divergence([[1, 0]], [[0, 1]]), 4) == round(float(np.log(2)), 4)
    True
    """
    return float(js_divergences(truth, prediction).mean())


def cross_entropies(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> Floats:
    """Cross-entropy of each clip, (N,); ``cross_entropy`` is their mean."""
    p, q = _pairs(truth, prediction)
    return np.asarray(-(p * np.log(q)).sum(axis=1))


def kl_divergences(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> Floats:
    """Kullback-Leibler divergence of each clip, (N,); ``kl_divergence`` is their mean."""
    return _kl(*_pairs(truth, prediction))


def js_divergences(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> Floats:
    """Jensen-Shannon divergence of each clip, (N,); ``js_divergence`` is their mean."""
    p, q = _pairs(truth, prediction)
    middle = (p + q) / 2
    return (_kl(p, middle) + _kl(q, middle)) / 2


def _kl(p: Floats, q: Floats) -> Floats:
    return np.asarray((p * np.log(np.where(p > 0, p, 1.0) / q)).sum(axis=1))


def _pairs(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Floats, Floats]:
    p, q = shares(truth), shares(prediction)
    if p.shape != q.shape:
        raise CorpusError(f"cannot score predictions of shape {q.shape} against votes of {p.shape}; give one for each")
    return p, np.maximum(q, _TINY)
