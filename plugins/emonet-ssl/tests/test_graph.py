"""The graphs of backbones hold nothing that other runtimes lack, and the twin of Whisper no masks of attention."""

from __future__ import annotations

from collections import Counter

import onnx
import pytest
from checkpoints import FAMILIES

from emonet_bench.export import ExportModule, freeze
from emonet_bench.export.gate import EXAMPLE, clips
from emonet_bench.export.graph import trace
from emonet_bench.export.single import SingleModule
from emonet_bench.networks import build_classifier
from emonet_bench.types import InputSpec, TrainingSet

SIGNAL = InputSpec()


def operators(classifier, kind, *inputs):
    content = trace(kind(freeze(classifier, "toys"), SIGNAL), *inputs)
    return Counter(node.op_type for node in onnx.load_model_from_string(content).graph.node)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_branches_and_no_debris_of_integer_division(family, built):
    whole = build_classifier(built(family), [TrainingSet("toys", ("a", "b"), 4)]).eval()
    waveform, lengths = clips(EXAMPLE, SIGNAL)
    masked, single = operators(whole, ExportModule, waveform, lengths), operators(whole, SingleModule, waveform)
    for found in (masked, single):
        assert not {"If", "Loop", "Scan", "Xor", "Mod"} & found.keys()
    assert single.total() < masked.total()
