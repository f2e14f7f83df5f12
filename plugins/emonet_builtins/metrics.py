"""Metrics that are registered as anybody's are: of single labels, votes, label sets and values on scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emonet_bench.metrics.defaults import default_metrics
from emonet_bench.types import Metric, deferred

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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
_LIPTON = (
    "@inproceedings{lipton2014optimal, title={Optimal Thresholding of Classifiers to Maximize {F1} Measure}, "
    "author={Lipton, Zachary C. and Elkan, Charles and Naryanaswamy, Balakrishnan}, booktitle={ECML PKDD}, year={2014}}"
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


def _in(module: str, function: str, *arguments: Any) -> Any:
    """Name a function of the host's metrics, which are imported when one is computed."""
    return deferred(f"emonet_bench.metrics.{module}:{function}", *arguments)


def _of_counts(metric: Any) -> Any:
    return _in("counts", "from_counts", metric)


def _of_each(function: str) -> Any:
    return _in("regression", "of_each", _in("regression", function))


def _of_clips(function: str) -> Any:
    return _in("weighted", "mean_over_clips", _in("votes", function))


def _above_share(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """F1 of each label, true and predicted where its share or score is above 1 / K: EMO-SUPERB's rule."""
    import numpy as np  # noqa: PLC0415 - as above

    from emonet_bench.metrics.multilabel import f1_of_each  # noqa: PLC0415

    shares = np.asarray(truth, np.float64)
    return f1_of_each(shares > 1 / shares.shape[1], predicted)


_WEIGHTED_F1, _KAPPA = (_in("counts", name) for name in ("weighted_f1", "kappa"))

METRICS = (
    *default_metrics(),
    Metric("weighted_f1", ("label",), _of_counts(_WEIGHTED_F1), title="Weighted F1", counts=_WEIGHTED_F1),
    Metric("kappa", ("label",), _of_counts(_KAPPA), title="Kappa", counts=_KAPPA, citation=_COHEN),
    Metric(
        "ece",
        ("label",),
        _in("calibration", "expected_calibration_error"),
        higher_is_better=False,
        title="ECE",
        probabilities=True,
        resampled=False,  # which makes it larger still
        citation=_GUO,
    ),
    Metric(
        "macro_f1_1c",
        ("votes", "label-set"),
        _above_share,
        title="Macro F1 at 1/C",
        weighted=_in("weighted", "f1_above_share"),
        citation=_SUPERB,
    ),
    Metric(
        "tuned_macro_f1",
        ("label-set",),
        _in("targets", "f1_of_each"),
        title="Macro F1, tuned on dev",
        part_title="F1, tuned on dev,",
        weighted=_in("weighted", "f1_of_each", 0.5),
        tuned=_in("multilabel", "decisions"),
        citation=_LIPTON,
    ),
    Metric(
        "map",
        ("label-set",),
        _in("multilabel", "precision_of_each"),
        title="mAP",
        part_title="Average precision",
        weighted=_in("weighted", "average_precision"),
    ),
    Metric(
        "cross_entropy",
        ("votes",),
        _in("votes", "cross_entropy"),
        higher_is_better=False,
        title="Cross-entropy",
        weighted=_of_clips("cross_entropies"),
        probabilities=True,
    ),
    Metric(
        "kl_divergence",
        ("votes",),
        _in("votes", "kl_divergence"),
        higher_is_better=False,
        title="KL divergence",
        weighted=_of_clips("kl_divergences"),
        probabilities=True,
        citation=_KULLBACK,
    ),
    Metric(
        "js_divergence",
        ("votes",),
        _in("votes", "js_divergence"),
        higher_is_better=False,
        title="JS divergence",
        weighted=_of_clips("js_divergences"),
        probabilities=True,
        citation=_LIN,
    ),
    Metric(
        "pearson",
        ("values",),
        _of_each("pearson_correlation"),
        title="Pearson",
        weighted=_in("weighted", "pearson_correlation"),
        citation=_PEARSON,
    ),
    Metric(
        "mae",
        ("values",),
        _of_each("mean_absolute_error"),
        higher_is_better=False,
        title="MAE",
        weighted=_in("weighted", "mean_absolute_error"),
    ),
    Metric(
        "rmse",
        ("values",),
        _of_each("root_mean_squared_error"),
        higher_is_better=False,
        title="RMSE",
        weighted=_in("weighted", "root_mean_squared_error"),
    ),
)
