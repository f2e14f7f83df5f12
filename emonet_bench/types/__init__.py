"""The nouns of the house: frozen descriptors that plugins return and every floor shares. No torch at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emonet_bench.lazy_names import lazy_names

if TYPE_CHECKING:
    from emonet_bench.types.architecture import Architecture
    from emonet_bench.types.audio import AUDIO_SUFFIXES, ArchiveMember, AudioSource, LazyAudio
    from emonet_bench.types.corpus import PARTITIONS, Challenge, Corpus, Partition, SplitRule, Utterance
    from emonet_bench.types.descriptors import (
        Augmentation,
        ExecutorKind,
        Loss,
        Metric,
        Optimizer,
        ReportFormat,
        TargetSummary,
        deferred,
    )
    from emonet_bench.types.input_spec import InputSpec
    from emonet_bench.types.naming import check_name, names
    from emonet_bench.types.network import AdapterPoint, FrozenFeatures, Network
    from emonet_bench.types.strategy import ParameterGroup, Plan, Strategy, TrainingSet
    from emonet_bench.types.targets import LABEL, Target, TargetKind
    from emonet_bench.types.teacher import Teacher, TeacherOutputs, TeacherRun

__all__ = [
    "AUDIO_SUFFIXES",
    "LABEL",
    "PARTITIONS",
    "AdapterPoint",
    "Architecture",
    "ArchiveMember",
    "AudioSource",
    "Augmentation",
    "Challenge",
    "Corpus",
    "ExecutorKind",
    "FrozenFeatures",
    "InputSpec",
    "LazyAudio",
    "Loss",
    "Metric",
    "Network",
    "Optimizer",
    "ParameterGroup",
    "Partition",
    "Plan",
    "ReportFormat",
    "SplitRule",
    "Strategy",
    "Target",
    "TargetKind",
    "TargetSummary",
    "Teacher",
    "TeacherOutputs",
    "TeacherRun",
    "TrainingSet",
    "Utterance",
    "check_name",
    "deferred",
    "names",
]

_MODULES = {
    "AUDIO_SUFFIXES": "audio",
    "AdapterPoint": "network",
    "Architecture": "architecture",
    "ArchiveMember": "audio",
    "AudioSource": "audio",
    "Augmentation": "descriptors",
    "Challenge": "corpus",
    "Corpus": "corpus",
    "ExecutorKind": "descriptors",
    "FrozenFeatures": "network",
    "InputSpec": "input_spec",
    "LABEL": "targets",
    "LazyAudio": "audio",
    "Loss": "descriptors",
    "Metric": "descriptors",
    "Network": "network",
    "Optimizer": "descriptors",
    "PARTITIONS": "corpus",
    "ParameterGroup": "strategy",
    "Partition": "corpus",
    "Plan": "strategy",
    "ReportFormat": "descriptors",
    "SplitRule": "corpus",
    "Strategy": "strategy",
    "Target": "targets",
    "TargetKind": "targets",
    "TargetSummary": "descriptors",
    "Teacher": "teacher",
    "TeacherOutputs": "teacher",
    "TeacherRun": "teacher",
    "TrainingSet": "strategy",
    "Utterance": "corpus",
    "check_name": "naming",
    "deferred": "descriptors",
    "names": "naming",
}

# Lazy: prediction needs two of them, and making data classes takes long enough to be felt in a small program.
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
