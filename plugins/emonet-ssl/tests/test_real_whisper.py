"""The real encoder of whisper-base, where it lies on this disk."""

from __future__ import annotations

import os
from pathlib import Path

import onnxruntime
import pytest
import torch
from test_backbones import clips, padded
from test_layers import own_states

from emonet_bench.config import parse
from emonet_bench.export import export, freeze
from emonet_bench.export.graph import trace
from emonet_bench.export.quantisation import quantise_graph
from emonet_bench.export.single import SingleModule
from emonet_bench.networks import build_classifier
from emonet_bench.types import InputSpec, TrainingSet

MODELS = os.environ.get("EMONET_BENCH_MODELS_DIR")
CHECKPOINT = Path(MODELS or ".") / "whisper-base"

pytestmark = pytest.mark.skipif(
    not MODELS or not CHECKPOINT.is_dir(), reason="EMONET_BENCH_MODELS_DIR names no folder with whisper-base"
)


@pytest.fixture(scope="module")
def real(plugins):
    """Build whisper-base, found by its name."""

    def of(**options):
        chosen = plugins.architectures["whisper"]
        return chosen.build(parse(chosen.options, {"checkpoint": "whisper-base", **options}, "x"), InputSpec()).eval()

    return of


@torch.no_grad()
def test_its_layers_are_those_of_transformers(real):
    network = real(context="full", pooling="statistics")
    rows = network.frozen(*padded(clips())).values
    for row, wave in zip(rows, clips(), strict=True):
        states = own_states(str(CHECKPOINT), wave)
        expected = torch.cat([states.mean(1), states.std(1, correction=0)], 1)
        torch.testing.assert_close(row, expected, rtol=0, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("context", ["clip", 8.0])
def test_padding_changes_nothing(context, real):
    network = real(context=context, layer=3, pooling="statistics")
    alone = torch.cat([network.embed(wave[None], None) for wave in clips()])
    torch.testing.assert_close(network.embed(*padded(clips())), alone, rtol=0, atol=1e-4)


def test_three_layers_are_exported_as_one_small_file(real, tmp_path):
    whole = build_classifier(real(layer=3, pooling="statistics", head="linear"), [TrainingSet("toys", ("a", "b"), 4)])
    parity = export(whole, "toys", tmp_path / "whisper.onnx", InputSpec(), {})
    assert parity.max_delta <= 1e-4
    parameters = 4 * sum(tensor.numel() for tensor in whole.state_dict().values())
    assert (tmp_path / "whisper.onnx").stat().st_size < 1.15 * parameters
    assert len(whole.network.backbone.layers) == 3


def test_two_layers_in_8_bits_are_a_file_of_less_than_10_mb_that_says_nearly_the_same(real, tmp_path):
    whole = build_classifier(real(layer=2, pooling="statistics", head="linear"), [TrainingSet("toys", ("a", "b"), 4)])
    exact, small = tmp_path / "float32.onnx", tmp_path / "int8.onnx"
    exact.write_bytes(trace(SingleModule(freeze(whole, "toys"), InputSpec()), padded(clips())[0]))
    feeds = [{"waveform": wave[None].numpy()} for wave in clips()]
    quantise_graph(exact, small, feeds)
    assert small.stat().st_size < 10e6 < 0.4 * exact.stat().st_size
    one, other = (onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]) for path in (exact, small))
    for feed in feeds:
        expected, found = (session.run(["embedding"], feed)[0] for session in (one, other))
        assert abs(found - expected).mean() < 0.05 * abs(expected).mean()
