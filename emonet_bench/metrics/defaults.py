"""The metric of each kind of target where nothing is said: what selects on dev and what reports show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from emonet_bench.metrics import counts, multilabel, regression
from emonet_bench.metrics.targets import plurality_uar
from emonet_bench.types import Metric, TargetKind

_HALF = 0.5


def _macro_f1(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """F1 of each label: of single labels, or of those of a label set whose score is above a half."""
    if np.ndim(truth) == 1:
        return counts.of_counts(counts.f1)(truth, predicted)
    return multilabel.f1_of_each(truth, predicted, _HALF)


UAR = Metric(
    "uar",
    ("label",),
    counts.of_counts(counts.recall),
    title="UAR",
    part_title="Recall",
    counts=counts.recall,
    citation=(
        "@inproceedings{schuller2009interspeech, title={The {INTERSPEECH} 2009 Emotion Challenge}, "
        'author={Schuller, Bj{\\"o}rn and Steidl, Stefan and Batliner, Anton}, booktitle={Interspeech}, year={2009}}'
    ),
)
MACRO_F1 = Metric(
    "macro_f1",
    ("label", "label-set"),
    _macro_f1,
    title="Macro F1",
    part_title="F1",
    counts=counts.f1,
    citation=(
        "@book{vanrijsbergen1979information, title={Information Retrieval}, author={van Rijsbergen, C. J.}, "
        "publisher={Butterworths}, year={1979}}"
    ),
)
CCC = Metric(
    "ccc",
    ("values",),
    lambda truth, predicted: regression.of_each(regression.concordance_correlation, truth, predicted),
    title="CCC",
    citation=(
        "@article{lin1989concordance, title={A Concordance Correlation Coefficient to Evaluate Reproducibility}, "
        "author={Lin, Lawrence I-Kuei}, journal={Biometrics}, volume={45}, number={1}, pages={255--268}, year={1989}}"
    ),
)
PLURALITY_UAR = Metric("plurality_uar", ("votes",), plurality_uar, title="Plurality UAR")

DEFAULTS: Mapping[TargetKind, Metric] = {"label": UAR, "votes": PLURALITY_UAR, "label-set": MACRO_F1, "values": CCC}
"""The metric of each kind of target."""


def default_metrics() -> tuple[Metric, ...]:
    """Return the metrics that the host itself needs by name; the plugin of what is built in registers them."""
    return tuple(DEFAULTS.values())
