"""Regression metrics: concordance correlation (CCC), Pearson correlation, mean absolute and root mean squared error.

Each takes the truth and the prediction of one attribute over a whole partition, never a mean over batches. Clips whose
truth is NaN (an attribute that nobody rated) are left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from emonet_bench.errors import CorpusError

Floats = npt.NDArray[np.float64]


def concordance_correlation(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    r"""Concordance correlation coefficient (Lin, 1989): :math:`2 s_{xy} / (s_x^2 + s_y^2 + (\bar x - \bar y)^2)`.

    Variances are those of the population (divided by N), as in audmetric. Where truth and prediction are the same
    constant the coefficient is 1; where only one of them varies it is 0.

    Args:
        truth: (N,) values; NaN where unknown.
        prediction: (N,) values.

    Returns:
        -1 to 1; 1 is perfect.

    Raises:
        CorpusError: There is nothing to score, the lengths differ, or a prediction is not finite.

    >>> round(concordance_correlation([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]), 4)
    0.5714
    """
    x, y = _pairs(truth, prediction)
    apart = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return 1.0 if apart == 0 else float(2 * np.mean((x - x.mean()) * (y - y.mean())) / apart)


def pearson_correlation(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Pearson's correlation coefficient; 0 where one of the two does not vary.

    Args:
        truth: (N,) values; NaN where unknown.
        prediction: (N,) values.

    Raises:
        CorpusError: As ``concordance_correlation`` does.

    >>> pearson_correlation([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    1.0
    """
    x, y = _pairs(truth, prediction)
    spread = x.std() * y.std()
    constant = spread == 0 or np.ptp(x) == 0 or np.ptp(y) == 0  # a mean of equal numbers may be rounded
    return 0.0 if constant else float(np.clip(np.mean((x - x.mean()) * (y - y.mean())) / spread, -1, 1))


def mean_absolute_error(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Mean absolute error, in the units of the scale.

    Args:
        truth: (N,) values; NaN where unknown.
        prediction: (N,) values.

    Raises:
        CorpusError: As ``concordance_correlation`` does.

    >>> mean_absolute_error([1.0, 2.0], [2.0, 4.0])
    1.5
    """
    x, y = _pairs(truth, prediction)
    return float(np.abs(x - y).mean())


def root_mean_squared_error(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> float:
    """Root of the mean squared error, in the units of the scale.

    Args:
        truth: (N,) values; NaN where unknown.
        prediction: (N,) values.

    Raises:
        CorpusError: As ``concordance_correlation`` does.

    >>> root_mean_squared_error([1.0, 1.0], [4.0, 5.0])
    3.5355339059327378
    """
    x, y = _pairs(truth, prediction)
    return float(np.sqrt(np.square(x - y).mean()))


def of_each(
    metric: Callable[[npt.ArrayLike, npt.ArrayLike], float], truth: npt.ArrayLike, prediction: npt.ArrayLike
) -> Floats:
    """Compute one of these metrics for each of several attributes.

    Args:
        metric: Which.
        truth: (N, K) values; NaN where unknown.
        prediction: (N, K) values.

    Returns:
        (K,).

    Raises:
        CorpusError: As the metric does.
    """
    x, y = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    return np.array([metric(*pair) for pair in zip(x.T, y.T, strict=True)])


def _pairs(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise CorpusError(
            f"cannot score predictions of shape {y.shape} against a truth of {x.shape}; give one for each"
        )
    known = ~np.isnan(x)
    if not known.any():
        raise CorpusError("there is no true value to score against; the attribute is unknown for every clip")
    if not np.isfinite(y[known]).all():
        raise CorpusError("a predicted value is not finite")
    return x[known], y[known]
