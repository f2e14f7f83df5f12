"""What the exported graph makes of inputs that no caller should give."""

import numpy as np
import onnx
import onnxruntime
import pytest

from emonet_bench.export import export
from emonet_bench.types import InputSpec
from tests.exported import SIGNAL, export_listener, listener

RNG = np.random.default_rng(0)
CLIP = (0.1 * RNG.standard_normal((2, 9_000))).astype(np.float32)
SPECS = [SIGNAL, InputSpec(16_000, 4_000), InputSpec(16_000, 4_000, 2_000)]


@pytest.fixture(scope="module", params=SPECS, ids=["whole", "centre", "windows"])
def session(request, tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "model.onnx"
    export(listener(), "ours", file, request.param, {})
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def run(session, lengths, waveform=CLIP):
    return session.run(None, {"waveform": waveform, "lengths": np.array(lengths)})


@pytest.mark.parametrize(
    ("given", "meant"), [([9_001, 10**12], [9_000, 9_000]), ([0, -5], [1, 1]), ([-(10**12), 4_500], [1, 4_500])]
)
def test_lengths_outside_of_the_audio_count_as_the_nearest_inside(session, given, meant):
    for found, expected in zip(run(session, given), run(session, meant), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_audio_that_is_no_number_gives_no_number(session, value):
    spoilt = CLIP.copy()
    spoilt[0, 4_321] = value
    for found, expected in zip(run(session, [9_000, 9_000], spoilt), run(session, [9_000, 9_000]), strict=True):
        assert np.isnan(found[0]).all()
        np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


def test_what_is_no_number_behind_a_clip_does_no_harm(session):
    spoilt = CLIP.copy()
    spoilt[:, 5_000:] = np.nan
    for found, expected in zip(run(session, [5_000, 4_000], spoilt), run(session, [5_000, 4_000]), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_graph_has_no_branches_no_long_tables_and_says_what_its_values_are(tmp_path):
    sizes = []
    for window in (16_000, 160_000):
        file = export_listener(tmp_path / f"{window}.onnx", window=window)
        graph = onnx.load(file).graph
        assert not {"If", "Loop", "Scan", "Xor", "Mod"} & {node.op_type for node in graph.node}
        assert all(value.doc_string for value in [*graph.input, *graph.output])
        sizes.append(file.stat().st_size)
    assert sizes[1] - sizes[0] < 100
