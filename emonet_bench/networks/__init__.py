"""Networks: the parts around an architecture, and the classifier that they make."""

from emonet_bench.networks.adapter_points import install_per_corpus, parent_and_attribute
from emonet_bench.networks.batch_norm import MaskedBatchNorm
from emonet_bench.networks.classifier import Classifier, build_classifier, parameter_groups
from emonet_bench.networks.heads import Head, two_class_logits
from emonet_bench.networks.per_corpus import PerCorpus, active, corpus_of, without_corpus
from emonet_bench.networks.windowing import aggregate_windows, centre_crop, windows

__all__ = [
    "Classifier",
    "Head",
    "MaskedBatchNorm",
    "PerCorpus",
    "active",
    "aggregate_windows",
    "build_classifier",
    "centre_crop",
    "corpus_of",
    "install_per_corpus",
    "parameter_groups",
    "parent_and_attribute",
    "two_class_logits",
    "windows",
    "without_corpus",
]
