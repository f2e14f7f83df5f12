"""What is exported is what was trained: frozen, folded, described, and checked before it is written."""

import copy
import json
import os
import re
from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.metrics import recall_score

from emonet_bench.deploy.verification import verify_model
from emonet_bench.errors import ConfigError, ExportError
from emonet_bench.export import (
    ExportModule,
    export,
    export_bank,
    export_run,
    freeze,
    metadata_of,
    model_card,
    score_onnx,
)
from emonet_bench.runs.predictions import write_predictions
from emonet_bench.types import InputSpec
from tests.exported import (
    LABELS,
    SIGNAL,
    Listener,
    Unit,
    branches,
    export_listener,
    joint_record,
    listener,
    record,
    trace_listener,
)
from tests.toys import toy_clips

HEAD = "utterance,partition,speaker,truth,prediction,anger,joy,sadness\n"

RNG = np.random.default_rng(0)


def run(path, waveform, lengths):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"waveform": waveform, "lengths": np.asarray(lengths, np.int64)})


def noise(*shape):
    return (0.1 * RNG.standard_normal(shape)).astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return export_listener(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.mark.parametrize("corpus", ["ours", "theirs"])
def test_the_file_agrees_with_the_trained_classifier_on_each_corpus(tmp_path, corpus):
    trained = listener()
    parity = export(trained, corpus, tmp_path / "m.onnx", SIGNAL, {})
    lengths = [5, 777, 40_001, 16_000, 64]
    waveform = noise(5, 40_001)
    probabilities, logits, embedding = run(tmp_path / "m.onnx", waveform, lengths)
    trained.select(corpus)
    with torch.inference_mode():
        for row, length in enumerate(lengths):
            clip = torch.from_numpy(waveform[row : row + 1, :length]), torch.tensor([length])
            np.testing.assert_allclose(logits[row], trained(*clip)[0], atol=1e-4)
            np.testing.assert_allclose(embedding[row], trained.network.embed(*clip)[0], atol=1e-5)
    exponentials = np.exp(logits.astype(np.float64))
    np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(1, keepdims=True), atol=1e-6)
    assert parity.max_delta <= 1e-4
    assert logits.shape[1] == {"ours": 3, "theirs": 2}[corpus]


def test_freezing_keeps_the_function_to_the_last_digit_of_float64():
    trained = listener().double()
    waveform, lengths = torch.randn(3, 5000, dtype=torch.float64), torch.tensor([5000, 100, 2222])
    for corpus in ("ours", "theirs"):
        trained.select(corpus)
        with torch.inference_mode():
            _, logits, _ = ExportModule(freeze(trained, corpus), SIGNAL)(waveform, lengths)
            torch.testing.assert_close(logits, trained(waveform, lengths), atol=1e-12, rtol=0)


def test_a_frozen_classifier_has_no_branches_and_no_units_left():
    frozen = freeze(listener(), "theirs")
    assert not branches(frozen)
    assert not [module for module in frozen.modules() if isinstance(module, Unit)]


def test_an_export_leaves_the_classifier_as_it_was(tmp_path):
    trained = listener().train()
    trained.select("ours")
    before = copy.deepcopy(trained.state_dict())
    export(trained, "theirs", tmp_path / "m.onnx", SIGNAL, {})
    after = trained.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert trained.training
    assert trained.heads.active is trained.heads.of("ours")


def test_an_adapted_export_costs_exactly_what_a_plain_one_costs(tmp_path):
    counts, sizes = [], []
    for name, adapted in (("adapted", True), ("plain", False)):
        file = tmp_path / f"{name}.onnx"
        parity = export(listener([("ours", LABELS)], adapted=adapted), "ours", file, SIGNAL, {})
        graph = onnx.load(file).graph
        counts.append(Counter(node.op_type for node in graph.node))
        sizes.append(sorted(tuple(tensor.dims) for tensor in graph.initializer))
        assert parity.node_count == counts[-1].total()
    assert counts[0] == counts[1]
    assert sizes[0] == sizes[1]


def test_the_file_is_valid_and_dynamic_in_batch_and_time(model):
    loaded = onnx.load(model)
    onnx.checker.check_model(loaded, full_check=True)
    waveform, lengths = loaded.graph.input
    assert [dim.dim_param for dim in waveform.type.tensor_type.shape.dim] == ["batch", "samples"]
    assert [dim.dim_param for dim in lengths.type.tensor_type.shape.dim] == ["batch"]
    shapes = {output.name: output.type.tensor_type.shape.dim for output in loaded.graph.output}
    assert {name: (batch.dim_param, size.dim_value) for name, (batch, size) in shapes.items()} == {
        "probabilities": ("batch", 3),
        "logits": ("batch", 3),
        "embedding": ("batch", 8),
    }
    assert list(shapes) == ["probabilities", "logits", "embedding"]
    assert [opset.version for opset in loaded.opset_import if opset.domain in {"", "ai.onnx"}] == [17]


def test_the_centre_window_is_cut_inside_the_graph(tmp_path, model):
    file = export_listener(tmp_path / "centre.onnx", window=1000)
    waveform = noise(1, 4001)
    (_, centred, _), (_, cut, _) = run(file, waveform, [3001]), run(model, waveform[:, 1000:2000], [1000])
    np.testing.assert_allclose(centred, cut, atol=1e-6)
    (_, short, _), (_, alone, _) = run(file, waveform, [300]), run(model, waveform[:, :300], [300])
    np.testing.assert_allclose(short, alone, atol=1e-6)


class FrozenLength(Listener):
    def embed(self, waveform, lengths):
        size = int(waveform.shape[1])  # tracing makes a constant of it
        weights = torch.linspace(-1, 1, size)
        return super().embed(waveform, lengths) + (waveform * weights).sum(1, keepdim=True) / size


class LeakyPadding(Listener):
    def embed(self, waveform, lengths):
        return super().embed(waveform, torch.full_like(lengths, 1) * waveform.shape[1])


class WrongFold(Listener):
    def __init__(self):
        super().__init__()
        self.unit.fold = lambda: self.unit.conv  # forgets adapter and norm


@pytest.mark.parametrize("network", [FrozenLength, LeakyPadding, WrongFold])
def test_a_network_that_its_file_does_not_agree_with_is_not_exported(tmp_path, network):
    with pytest.raises(ExportError, match=r"m\.onnx: not written: at batch .*(logit is|cannot run it)") as caught:
        export(listener(network=network), "ours", tmp_path / "m.onnx", SIGNAL, {})
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


class Unexportable(Listener):
    def embed(self, waveform, lengths):
        embedding = super().embed(waveform, lengths)
        return embedding + torch.linalg.eigvals(embedding.T @ embedding).real


def test_a_network_that_cannot_be_exported_says_why_in_one_line(tmp_path):
    with pytest.raises(ExportError, match=r"m\.onnx: not written: the network cannot be exported \(.*eig") as caught:
        export(listener(network=Unexportable), "ours", tmp_path / "m.onnx", SIGNAL, {})
    assert "\n" not in str(caught.value)


def test_a_failing_export_prints_nothing_of_torchs_graph(tmp_path, capfd):
    with pytest.raises(ExportError):
        export(listener(network=Unexportable), "ours", tmp_path / "m.onnx", SIGNAL, {})
    printed = capfd.readouterr()
    assert "graph" not in printed.out + printed.err.replace("the exported graph", "")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_in_the_place_of_model_card_and_description_are_replaced_not_followed(tmp_path, spoken):
    trained, clips, predicted, uar = spoken
    (tmp_path / "mine.txt").write_text("mine")
    for name in ("model.onnx", "model.md", "model.json", "model.onnx.part"):
        (tmp_path / name).symlink_to(tmp_path / "mine.txt")
    said = record(scores={"test": {"uar": uar, "accuracy": 0.5, "recall": dict.fromkeys(LABELS, 0.5)}})
    export_run(
        run_directory(tmp_path, clips, predicted), trained, said, tmp_path / "model.onnx", InputSpec(1000), clips
    )
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "model.onnx").is_symlink()
    assert not (tmp_path / "model.md").is_symlink()
    assert verify_model(tmp_path / "model.onnx").problems == ()


@pytest.mark.parametrize("name", ["model.md", "model.json"])
def test_a_card_or_description_that_cannot_be_written_leaves_no_model(tmp_path, spoken, name):
    trained, clips, predicted, uar = spoken
    (tmp_path / name).mkdir()
    said = record(scores={"test": {"uar": uar, "accuracy": 0.5, "recall": dict.fromkeys(LABELS, 0.5)}})
    with pytest.raises(ExportError, match=rf"{re.escape(name)}: cannot be written"):
        export_run(
            run_directory(tmp_path, clips, predicted), trained, said, tmp_path / "model.onnx", InputSpec(1000), clips
        )
    assert {path.name for path in tmp_path.iterdir()} <= {name, "predictions.csv"}


def test_an_unwritable_place_is_one_line(tmp_path):
    with pytest.raises(ExportError, match=r"nowhere.m\.onnx: cannot be written \(No such file or directory\)"):
        export(listener(), "ours", tmp_path / "nowhere" / "m.onnx", SIGNAL, {})


def test_the_file_says_what_it_is(model):
    said = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    assert json.loads(said["labels"]) == list(LABELS)
    assert float(said.pop("parity_max_delta")) <= 1e-4
    assert {name: text for name, text in said.items() if name != "packages"} == {
        "schema_version": "1",
        "labels": '["anger", "joy", "sadness"]',
        "sampling_rate": "16000",
        "minimum_length": "1",
        "window": "",
        "hop": "",
        "architecture": "listener",
        "strategy": "adapters",
        "corpus": "ours",
        "licence": "CC-BY-4.0",
        "elicitation": "",
        "synthetic": "false",
        "protocol": "by-speaker",
        "protocol_id": "beef",
        "fold": "1",
        "limit": "",
        "fingerprint": "",
        "uar": "0.5",
        "uar_interval": "",
        "uar_onnx": "",
        "run_id": "0123456789abcdef",
        "date": "2026-01-02T03:04:05Z",
    }
    assert json.loads(said["packages"]) == {
        "python": "3.11",
        "torch": "2.11.0",
        "onnx": onnx.__version__,
        "onnxruntime": onnxruntime.__version__,
        "plugin transfer": "0.1.0",
    }


def test_a_centre_window_is_said_in_seconds():
    said = metadata_of(record(), InputSpec(16_000, 48_000))
    assert (said["window"], said["hop"]) == ("3.0", "")
    assert "the model hears the centred 3.0 s of a clip." in model_card(said, record(), "m.onnx")


def test_windows_are_said_in_seconds():
    said = metadata_of(record(), InputSpec(16_000, 48_000, 24_000))
    assert (said["window"], said["hop"]) == ("3.0", "1.5")
    assert "windows of 3.0 s, one every 1.5 s" in model_card(said, record(), "m.onnx")


def test_the_mean_over_windows_is_inside_the_file_at_any_length_and_batch(tmp_path):
    trained = listener()
    trained.select("ours")
    parity = export(trained, "ours", tmp_path / "m.onnx", InputSpec(16_000, window=4_000, hop=2_000), {})
    assert parity.max_delta <= 1e-4
    waveform, lengths = noise(4, 30_001), [100, 4_000, 9_000, 30_001]
    _, logits, _ = run(tmp_path / "m.onnx", waveform, lengths)
    for row, clip, length in zip(logits, torch.from_numpy(waveform), lengths, strict=True):
        rest = max(0, length - 4_000)
        starts = [min(k * 2_000, rest) for k in range(1 + -(-rest // 2_000))]
        with torch.inference_mode():
            cut = [clip[None, s : min(s + 4_000, length)] for s in starts]
            each = [trained(window, torch.tensor([window.shape[1]]))[0] for window in cut]
        np.testing.assert_allclose(row, torch.stack(each).mean(0), atol=1e-4)


def test_every_export_of_a_run_is_the_same_file(tmp_path, model):
    assert trace_listener(tmp_path / "again.onnx").read_bytes() == model.read_bytes()


@pytest.fixture
def spoken():
    """Clips of three labels at 1 kHz and a classifier, with the UAR of scikit-learn on torch's predictions."""
    clips = toy_clips(30, LABELS)
    trained = listener()
    trained.select("ours")
    with torch.inference_mode():
        predicted = [
            trained(clips.whole(torch.tensor([i])).waveform, clips.lengths[i, None]).argmax() for i in range(30)
        ]
    uar = recall_score(clips.targets, torch.stack(predicted), labels=[0, 1, 2], average="macro")
    return trained, clips, [LABELS[int(index)] for index in predicted], uar


def run_directory(path, clips, predicted):
    rows = zip(clips.names, clips.speakers, clips.targets.tolist(), predicted, strict=True)
    lines = ([name, "test", speaker, LABELS[truth], label, 0, 1, 0] for name, speaker, truth, label in rows)
    write_predictions(path / "predictions.csv", LABELS, lines)
    return path


def test_an_exported_run_records_its_uar_and_writes_a_card(tmp_path, spoken):
    trained, clips, predicted, uar = spoken
    scores = {"test": {"uar": uar, "accuracy": 0.5, "recall": dict.fromkeys(LABELS, 0.5)}}
    file = tmp_path / "model.onnx"
    said = record(scores=scores)
    parity = export_run(run_directory(tmp_path, clips, predicted), trained, said, file, InputSpec(1000), clips)
    assert parity.uar == pytest.approx(uar)
    assert score_onnx(file, clips) == pytest.approx(uar)
    metadata = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert float(metadata["uar_onnx"]) == pytest.approx(uar)
    low, high = json.loads(metadata["uar_interval"])
    assert low <= uar <= high
    card = (tmp_path / "model.md").read_text()
    assert f"| test | {uar:.3f} [{low:.3f}, {high:.3f}] |" in card
    assert f"| test, onnxruntime | {uar:.3f} |" in card
    assert metadata["parity_max_delta"] in card


def test_an_export_whose_uar_is_not_the_runs_fails(tmp_path, spoken):
    trained, clips, predicted, uar = spoken
    said = record(scores={"test": {"uar": uar + 0.1, "accuracy": 0.5}})
    with pytest.raises(ExportError, match=r"not written: its test UAR through onnxruntime is .* but the run's is"):
        export_run(
            run_directory(tmp_path, clips, predicted), trained, said, tmp_path / "m.onnx", InputSpec(1000), clips
        )
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "predictions.csv: damaged .*the first columns are not"),
        (HEAD, "predictions.csv: holds no test prediction"),
        (HEAD + "1,dev,s,joy,joy,0,1,0\n", "predictions.csv: holds no test prediction"),
        (HEAD.replace("partition,", ""), "predictions.csv: damaged .*the first columns are not"),
        (HEAD.replace("joy", "bliss"), "predictions.csv: damaged .*its columns are not the run's labels"),
        (HEAD + "1,test,s,joy,bliss,0,1,0\n", "predictions.csv: undeclared label 'bliss'"),
        (HEAD + "1,test,s,joy", "predictions.csv: damaged .*a line has not 8 fields"),
        (b"\xff\xfe\x00", "predictions.csv: damaged .*codec can't decode"),
    ],
)
def test_damaged_predictions_are_one_line_that_names_them(tmp_path, content, message):
    (tmp_path / "predictions.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ExportError, match=rf"{message}.*; run the matrix again$") as caught:
        export_run(tmp_path, listener(), record(), tmp_path / "m.onnx", SIGNAL)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    "write",
    [
        lambda path: export_run(path, None, record(), path / "card.md", SIGNAL),
        lambda path: export_bank([], path / "card.md", SIGNAL),
    ],
)
def test_a_name_that_the_card_would_take_is_refused_before_anything_else(tmp_path, write):
    with pytest.raises(ExportError, match=r"card\.md: a model's name ends in \.onnx"):
        write(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("said", "corpus", "message"),
    [
        (joint_record(), None, "--corpus: this run has several; name one of ours, theirs"),
        (joint_record(), "their", "--corpus: 'their' is not in this run; did you mean 'theirs'?"),
        (record(), "theirs", "--corpus: 'theirs' is not in this run; known: ours"),
    ],
)
def test_a_corpus_that_the_run_lacks_is_one_line(said, corpus, message):
    with pytest.raises(ConfigError) as caught:
        said.of(corpus)
    assert str(caught.value) == message
