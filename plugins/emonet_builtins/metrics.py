"""Metrics that are registered as anybody's are: of single labels, votes, label sets and values on scales."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics.calibration import expected_calibration_error
from emonet_bench.metrics.counts import accuracy, kappa, of_counts, weighted_f1
from emonet_bench.metrics.defaults import default_metrics
from emonet_bench.metrics.multilabel import f1_of_each, precision_of_each
from emonet_bench.metrics.regression import mean_absolute_error, of_each, pearson_correlation, root_mean_squared_error
from emonet_bench.metrics.votes import cross_entropy, js_divergence, kl_divergence
from emonet_bench.types import Metric

_GUO = (
    "@inproceedings{guo2017calibration, title={On Calibration of Modern Neural Networks}, author={Guo, Chuan and "
    "Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.}, booktitle={ICML}, year={2017}}"
)
_COHEN = (
    "@article{cohen1960coefficient, title={A Coefficient of Agreement for Nominal Scales}, author={Cohen, Jacob}, "
    "journal={Educational and Psychological Measurement}, volume={20}, number={1}, year={1960}}"
)
_SUPERB = (
    "@article{wu2024emosuperb, title={{EMO-SUPERB}: An In-depth Look at Speech Emotion Recognition}, author={Wu, "
    "Haibin and others}, journal={arXiv:2402.13018}, year={2024}}"
)
_KULLBACK = (
    "@article{kullback1951information, title={On Information and Sufficiency}, author={Kullback, S. and Leibler, R. "
    "A.}, journal={The Annals of Mathematical Statistics}, volume={22}, number={1}, year={1951}}"
)
_LIN = (
    "@article{lin1991divergence, title={Divergence Measures Based on the {Shannon} Entropy}, author={Lin, Jianhua}, "
    "journal={IEEE Transactions on Information Theory}, volume={37}, number={1}, year={1991}}"
)
_PEARSON = (
    "@article{pearson1895note, title={Note on Regression and Inheritance in the Case of Two Parents}, author={Pearson, "
    "Karl}, journal={Proceedings of the Royal Society of London}, volume={58}, year={1895}}"
)


def _of_each(metric: Any) -> Any:
    return partial(of_each, metric)


def _above_share(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """F1 of each label, true and predicted where its share or score is above 1 / K: EMO-SUPERB's rule."""
    shares = np.asarray(truth, np.float64)
    return f1_of_each(shares > 1 / shares.shape[1], predicted)


METRICS = (
    *default_metrics(),
    Metric("accuracy", ("label",), of_counts(accuracy), title="Accuracy", counts=accuracy),
    Metric("weighted_f1", ("label",), of_counts(weighted_f1), title="Weighted F1", counts=weighted_f1),
    Metric("kappa", ("label",), of_counts(kappa), title="Kappa", counts=kappa, citation=_COHEN),
    Metric(
        "ece",
        ("label",),
        expected_calibration_error,
        higher_is_better=False,
        title="ECE",
        probabilities=True,
        resampled=False,  # which makes it larger still
        citation=_GUO,
    ),
    Metric("macro_f1_1c", ("votes", "label-set"), _above_share, title="Macro F1 at 1/C", citation=_SUPERB),
    Metric("map", ("label-set",), precision_of_each, title="mAP", part_title="Average precision"),
    Metric(
        "cross_entropy",
        ("votes",),
        cross_entropy,
        higher_is_better=False,
        title="Cross-entropy",
        probabilities=True,
    ),
    Metric(
        "kl_divergence",
        ("votes",),
        kl_divergence,
        higher_is_better=False,
        title="KL divergence",
        probabilities=True,
        citation=_KULLBACK,
    ),
    Metric(
        "js_divergence",
        ("votes",),
        js_divergence,
        higher_is_better=False,
        title="JS divergence",
        probabilities=True,
        citation=_LIN,
    ),
    Metric("pearson", ("values",), _of_each(pearson_correlation), title="Pearson", citation=_PEARSON),
    Metric("mae", ("values",), _of_each(mean_absolute_error), higher_is_better=False, title="MAE"),
    Metric("rmse", ("values",), _of_each(root_mean_squared_error), higher_is_better=False, title="RMSE"),
)
