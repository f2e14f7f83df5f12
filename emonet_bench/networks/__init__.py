"""Networks: the parts around an architecture, and the classifier that they make."""

from emonet_bench.networks.adapter_points import branch, slot
from emonet_bench.networks.batch_norm import MaskedBatchNorm
from emonet_bench.networks.classifier import Classifier, build_classifier, parameter_groups
from emonet_bench.networks.heads import Head, two_class_logits
from emonet_bench.networks.per_corpus import Branches, active, owner, without_owner
from emonet_bench.networks.windowing import centre_crop, heard, windows

__all__ = [
    "Branches",
    "Classifier",
    "Head",
    "MaskedBatchNorm",
    "active",
    "branch",
    "build_classifier",
    "centre_crop",
    "heard",
    "owner",
    "parameter_groups",
    "slot",
    "two_class_logits",
    "windows",
    "without_owner",
]
