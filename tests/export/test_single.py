"""The unmasked twin gives the file's scores, and the Predictor uses it where clips fill their rows."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from emonet_bench.deploy import Predictor, model
from emonet_bench.deploy.description import description_path
from emonet_bench.deploy.verification import verify_model
from emonet_bench.errors import ConfigError, ExportError
from emonet_bench.export import export, export_single, metadata_of
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins
from emonet_bench.types import InputSpec, TrainingSet
from tests.exported import LABELS, SIGNAL, listener, record

RATE = 16_000
RNG = np.random.default_rng(0)
NETWORKS = [
    ("cnn", {"number_of_filters": 4, "number_of_resnet_blocks": 1, "classifier": "statistics"}),
    ("rnn", {"hidden_dim": 8, "bidirectional": True}),
]


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda given: given[0])
def pair(request, tmp_path_factory):
    name, options = request.param
    architecture = Plugins().architectures[name]
    torch.manual_seed(0)
    network = architecture.build(architecture.options(**options), SIGNAL)
    trained = build_classifier(network, [TrainingSet("ours", LABELS, 100)]).eval()
    file = tmp_path_factory.mktemp("model") / "model.onnx"
    export(trained, "ours", file, SIGNAL, metadata_of(record(), SIGNAL))
    twin, delta = export_single(trained, "ours", file, SIGNAL)
    assert delta <= 1e-4
    return file, twin


def clips(*lengths):
    return [(0.1 * RNG.standard_normal(length)).astype(np.float32) for length in lengths]


def test_the_twin_takes_audio_alone_and_gives_the_same_at_every_length(pair):
    file, twin = (onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]) for path in pair)
    assert [value.name for value in twin.get_inputs()] == ["waveform"]
    for batch, length in ((1, 1), (3, 777), (2, 40_000)):
        waveform = np.stack(clips(*[length] * batch))
        expected = file.run(None, {"waveform": waveform, "lengths": np.full(batch, length)})
        for one, other in zip(twin.run(None, {"waveform": waveform}), expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)


def test_the_twin_has_a_description_of_its_own(pair):
    _, twin = pair
    assert [value["name"] for value in json.loads(description_path(twin).read_text())["inputs"]] == ["waveform"]
    assert verify_model(twin).problems == ()


def test_the_twin_costs_fewer_nodes(pair):
    nodes, fewer = (len(onnx.load(path).graph.node) for path in pair)
    assert fewer < nodes


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_predictor_uses_it_where_rows_are_full_and_scores_alike(pair, tmp_path, batch_size):
    file, _ = pair
    (tmp_path / "alone.onnx").write_bytes(file.read_bytes())
    audio = clips(16_000, 16_000, 16_000, 300, 9_000, 1)
    with_twin, alone = Predictor(file, "cpu", 1), Predictor(tmp_path / "alone.onnx", "cpu", 1)
    assert with_twin.model.twin is not None
    assert alone.model.twin is None
    found, expected = (
        list(one.predict_arrays(audio, RATE, batch_size=batch_size, embeddings=True)) for one in (with_twin, alone)
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
        np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-4)


def test_a_file_with_a_twin_is_loaded_when_clips_do_not_fill_their_rows_and_not_before(pair, monkeypatch):
    file, twin = pair
    opened, loads = [], model.open_session
    monkeypatch.setattr(model, "open_session", lambda path, providers: opened.append(path) or loads(path, providers))
    predictor = Predictor(file, "cpu", 2)
    assert predictor.model.provider == "cpu"
    clips = [np.linspace(-0.1, 0.1, samples, dtype=np.float32) for samples in (5_000, 7_000, 9_000)]
    alone = list(predictor.predict_arrays(clips, RATE))
    assert opened == [twin]
    together = list(predictor.predict_arrays(clips, RATE, batch_size=3))
    assert opened == [twin, file]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
    told = onnxruntime.InferenceSession(str(file)).get_modelmeta().custom_metadata_map
    assert {**predictor.metadata, "parity_max_delta": told["parity_max_delta"]} == told


def test_a_file_that_has_changed_since_it_was_opened_is_not_loaded_later(pair, tmp_path):
    file, twin = pair
    (tmp_path / "model.onnx").write_bytes(file.read_bytes())
    (tmp_path / "model.single.onnx").write_bytes(twin.read_bytes())
    predictor = Predictor(tmp_path / "model.onnx", "cpu", 1)
    resaved = onnx.load(file)
    resaved.doc_string = "another"
    onnx.save(resaved, tmp_path / "model.onnx")
    clips = [np.zeros(samples, np.float32) for samples in (5_000, 7_000)]
    assert len(list(predictor.predict_arrays(clips, RATE))) == 2
    with pytest.raises(ConfigError, match=r"model\.onnx: has changed since it was opened; open it again$"):
        list(predictor.predict_arrays(clips, RATE, batch_size=2))


def test_the_twin_of_another_file_is_left_alone(pair, tmp_path):
    file, twin = pair
    other = onnx.load(file)
    onnx.helper.set_model_props(other, {entry.key: entry.value for entry in other.metadata_props} | {"run_id": "other"})
    onnx.save(other, tmp_path / "model.onnx")
    (tmp_path / "model.single.onnx").write_bytes(twin.read_bytes())
    assert Predictor(tmp_path / "model.onnx", "cpu").model.twin is None


def test_what_is_heard_in_windows_has_no_twin(tmp_path):
    with pytest.raises(ExportError, match=r"--single: .* hears windows"):
        export_single(listener(), "ours", tmp_path / "model.onnx", InputSpec(RATE, 4_000))


def test_a_network_that_needs_lengths_has_no_twin(tmp_path):
    export(listener(), "ours", tmp_path / "model.onnx", SIGNAL, metadata_of(record(), SIGNAL))
    with pytest.raises(ExportError, match=r"model\.single\.onnx: not written: the network cannot be exported without"):
        export_single(listener(), "ours", tmp_path / "model.onnx", SIGNAL)
    assert not (tmp_path / "model.single.onnx").exists()
