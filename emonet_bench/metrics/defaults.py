"""The metric of each kind of target where nothing is said: what selects on dev and what reports show."""

from __future__ import annotations

from collections.abc import Mapping

from emonet_bench.types import Metric, TargetKind, deferred

_RECALL, _F1 = deferred("emonet_bench.metrics.counts:recall"), deferred("emonet_bench.metrics.counts:f1")

UAR = Metric(
    "uar",
    ("label",),
    deferred("emonet_bench.metrics.counts:from_counts", _RECALL),
    title="UAR",
    part_title="Recall",
    counts=_RECALL,
    citation=(
        "@inproceedings{schuller2009interspeech, title={The {INTERSPEECH} 2009 Emotion Challenge}, "
        'author={Schuller, Bj{\\"o}rn and Steidl, Stefan and Batliner, Anton}, booktitle={Interspeech}, year={2009}}'
    ),
)
MACRO_F1 = Metric(
    "macro_f1",
    ("label", "label-set"),
    deferred("emonet_bench.metrics.targets:f1_of_each"),
    title="Macro F1",
    part_title="F1",
    counts=_F1,
    weighted=deferred("emonet_bench.metrics.weighted:f1_of_each", 0.5),
    citation=(
        "@book{vanrijsbergen1979information, title={Information Retrieval}, author={van Rijsbergen, C. J.}, "
        "publisher={Butterworths}, year={1979}}"
    ),
)
CCC = Metric(
    "ccc",
    ("values",),
    deferred(
        "emonet_bench.metrics.regression:of_each", deferred("emonet_bench.metrics.regression:concordance_correlation")
    ),
    title="CCC",
    weighted=deferred("emonet_bench.metrics.weighted:concordance_correlation"),
    citation=(
        "@article{lin1989concordance, title={A Concordance Correlation Coefficient to Evaluate Reproducibility}, "
        "author={Lin, Lawrence I-Kuei}, journal={Biometrics}, volume={45}, number={1}, pages={255--268}, year={1989}}"
    ),
)
PLURALITY_UAR = Metric(
    "plurality_uar",
    ("votes",),
    deferred("emonet_bench.metrics.targets:plurality_uar"),
    title="Plurality UAR",
    weighted=deferred("emonet_bench.metrics.weighted:plurality_uar"),
)

_ACCURACY = deferred("emonet_bench.metrics.counts:accuracy")
ACCURACY = Metric(
    "accuracy",
    ("label",),
    deferred("emonet_bench.metrics.counts:from_counts", _ACCURACY),
    title="Accuracy",
    counts=_ACCURACY,
)

DEFAULTS: Mapping[TargetKind, Metric] = {"label": UAR, "votes": PLURALITY_UAR, "label-set": MACRO_F1, "values": CCC}
"""The metric of each kind of target."""


def default_metrics() -> tuple[Metric, ...]:
    """Return the metrics that the host itself needs by name; the plugin of what is built in registers them."""
    return (*DEFAULTS.values(), ACCURACY)
