"""A bank says for each of its tasks what that task's own classifier says, and keeps what they share once."""

import copy
import json
import pickle

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from emonet_bench.deploy import Predictor
from emonet_bench.deploy.description import description_path
from emonet_bench.deploy.verification import verify_model
from emonet_bench.errors import ConfigError, ExportError
from emonet_bench.export import Trained, export_bank
from emonet_bench.export.gate import EXAMPLE, check_parity, clips
from emonet_bench.export.graph import trace
from emonet_bench.export.multi_task import MultiTaskModule
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.predictions import write_predictions
from emonet_bench.types import InputSpec, TrainingSet
from tests.exported import LABELS, SIGNAL, listener, record

TASKS = {"ours": LABELS, "theirs": ("calm", "cross"), "others": ("a", "b", "c", "d")}


@pytest.fixture(scope="module")
def trained():
    return listener(tuple(TASKS.items()))


def members(folder, trained, names=tuple(TASKS)):
    made = []
    for name in names:
        labels = TASKS[name]
        (folder / name).mkdir(exist_ok=True)
        rows = [[n, "test", f"s{n % 3}", label, label, *(0 for _ in labels)] for n, label in enumerate(labels * 3)]
        write_predictions(folder / name / "predictions.csv", labels, rows)
        scores = {"test": {"uar": 1.0, "accuracy": 1.0, "recall": dict.fromkeys(labels, 1.0)}}
        said = record(corpus=name, labels=list(labels), scores=scores, licence=f"licence of {name}")
        classifier = trained[name] if isinstance(trained, dict) else trained
        made.append(Trained(folder / name, classifier, said))
    return made


@pytest.fixture(scope="module")
def bank(tmp_path_factory, trained):
    folder = tmp_path_factory.mktemp("bank")
    parities, sizes = export_bank(members(folder, trained), folder / "bank.onnx", SIGNAL)
    return folder / "bank.onnx", parities, sizes


def run(path, waveform, lengths, task):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {"waveform": waveform, "lengths": np.array(lengths), "task": np.array(task)}
    return session.run(None, feed)


def test_every_task_agrees_with_its_own_classifier(bank, trained):
    path, parities, _ = bank
    waveform, lengths = clips((0.7, 0.1, 1.9), SIGNAL)
    for task, (name, labels) in enumerate(TASKS.items()):
        probabilities, logits, embedding = run(path, waveform.numpy(), lengths.numpy(), task)
        trained.select(name)
        with torch.inference_mode():
            alone = [
                trained(row[None, :length], length[None])[0] for row, length in zip(waveform, lengths, strict=True)
            ]
            np.testing.assert_allclose(logits[:, : len(labels)], torch.stack(alone), atol=1e-4)
            whole = trained.network.embed(waveform, lengths)
        np.testing.assert_allclose(embedding, whole, atol=1e-5)
        assert np.isneginf(logits[:, len(labels) :]).all()
        assert (probabilities[:, len(labels) :] == 0).all()
        assert logits.shape == (3, 4)
        assert parities[name].max_delta <= 1e-4


def test_the_description_tells_of_each_task(bank):
    path, _, _ = bank
    told = json.loads(description_path(path).read_text())
    assert told["labels"] == {name: list(labels) for name, labels in TASKS.items()}
    for vector in told["test_vectors"]:
        assert {name: len(row) for name, row in vector["probabilities"].items()} == {
            "ours": 3,
            "theirs": 2,
            "others": 4,
        }
    verification = verify_model(path)
    assert verification.problems == ()
    assert [check.task for check in verification.checks] == [*TASKS, *TASKS]


def test_the_tasks_differ(bank):
    waveform, lengths = clips((0.7,), SIGNAL)
    embeddings = [run(bank[0], waveform.numpy(), lengths.numpy(), task)[2] for task in range(3)]
    assert np.abs(embeddings[0] - embeddings[1]).max() > 1e-3
    assert np.abs(embeddings[0] - embeddings[2]).max() > 1e-3


@pytest.mark.parametrize(("given", "meant"), [(3, 2), (2**62, 2), (-1, 0), (-(2**62), 0)])
def test_a_task_outside_of_the_file_counts_as_the_nearest_in_it(bank, given, meant):
    waveform, lengths = clips((0.7, 0.1), SIGNAL)
    found, expected = (run(bank[0], waveform.numpy(), lengths.numpy(), task) for task in (given, meant))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_predictor_of_a_bank_is_pickled_with_its_task(bank):
    again = pickle.loads(pickle.dumps(Predictor(bank[0], "cpu", task="theirs")))
    assert again.labels == TASKS["theirs"]
    (one,) = again.predict_arrays([clips((0.5,), SIGNAL)[0][0].numpy()], 16_000, logits=True)
    assert one.logits.shape == (2,)
    assert np.isfinite(one.logits).all()


def test_what_is_shared_is_stored_once(bank, trained):
    _, _, (one, three, together) = bank
    assert (one.name, three.name, together.name) == ("one model", "3 models", "bank")
    assert one.numbers < together.numbers < three.numbers
    kernel = trained.network.unit.conv.weight
    graph = onnx.load(bank[0]).graph
    stored = [tensor for tensor in graph.initializer if list(tensor.dims) == list(kernel.shape)]
    assert len(stored) == 1
    assert together.bytes == bank[0].stat().st_size


def test_a_bank_leaves_its_classifiers_as_they_were(trained):
    before = copy.deepcopy(trained.state_dict())
    MultiTaskModule([(name, trained) for name in TASKS], SIGNAL)
    after = trained.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_file_says_what_each_task_is(bank):
    said = {entry.key: entry.value for entry in onnx.load(bank[0]).metadata_props}
    assert json.loads(said["labels"]) == {name: list(labels) for name, labels in TASKS.items()}
    assert json.loads(said["licence"]) == {name: f"licence of {name}" for name in TASKS}
    assert json.loads(said["uar_interval"]) == [1.0, 1.0]
    assert said["sampling_rate"] == "16000"
    card = bank[0].with_suffix(".md").read_text()
    assert "| `theirs` | calm, cross | 1.000 [1.000, 1.000] |" in card
    assert "| 3 models | " in card


def test_the_predictor_speaks_with_the_labels_of_the_task_asked_for(bank):
    noise = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    noise = np.rint(noise * 32768) / np.float32(32768)
    for task, (name, labels) in enumerate(TASKS.items()):
        predictor = Predictor(bank[0], "cpu", task=name)
        (one,) = predictor.predict_arrays([noise], 16_000)
        assert predictor.labels == labels
        assert one.probabilities.shape == (len(labels),)
        expected = run(bank[0], noise[None], [16_000], task)[0][0]
        np.testing.assert_allclose(one.probabilities, expected[: len(labels)], atol=1e-6)


@pytest.mark.parametrize(("task", "given"), [(None, ""), ("our", ", not 'our'")])
def test_a_bank_wants_to_know_the_task(bank, task, given):
    with pytest.raises(ConfigError) as caught:
        Predictor(bank[0], "cpu", task=task)
    assert str(caught.value) == f"task: {bank[0]} holds several; give one of ours, theirs, others{given}"


def test_runs_that_share_no_network_make_no_bank(tmp_path, trained):
    other = copy.deepcopy(trained)
    with torch.no_grad():
        other.network.unit.conv.weight[0, 0, 0] += 1
    two = members(tmp_path, {"ours": trained, "theirs": other}, ("ours", "theirs"))
    with pytest.raises(ExportError, match=r"theirs and ours share no network \(network\.unit\.conv\.weight differs, 1"):
        export_bank(two, tmp_path / "bank.onnx", SIGNAL)
    assert not (tmp_path / "bank.onnx").exists()


def test_two_runs_of_one_corpus_make_no_bank(tmp_path, trained):
    with pytest.raises(ExportError, match="--bank: ours comes twice"):
        export_bank(members(tmp_path, trained, ("ours", "ours")), tmp_path / "bank.onnx", SIGNAL)


def test_runs_with_other_adapters_make_no_bank(tmp_path, trained):
    other = copy.deepcopy(trained)
    other.network.unit.adapter.parts["for_theirs"] = nn.Sequential(other.network.unit.adapter.parts["for_theirs"])
    two = members(tmp_path, {"ours": trained, "theirs": other}, ("ours", "theirs"))
    with pytest.raises(ExportError, match="branches differ; give runs with the same options"):
        export_bank(two, tmp_path / "bank.onnx", SIGNAL)


CNN = {"number_of_filters": 4, "number_of_resnet_blocks": 1}
RNN = {"hidden_dim": 8, "number_of_layers": 2}
QUICK = [("cnn", {**CNN, "classifier": "statistics"})]
SLOW = [
    ("cnn", CNN),
    ("cnn", {**CNN, "classifier": "FCNAttention", "input_bn": True}),
    ("cnn", {**CNN, "classifier": "rnn"}),
    ("rnn", {**RNN, "use_attention": True, "bidirectional": True}),
    ("rnn", {**RNN, "cell_type": "gru", "use_attention": True, "share_attention": True, "input_bn": True}),
    ("fusion", {**CNN, **RNN, "input_bn": True}),
]


@pytest.mark.parametrize(
    ("architecture", "options"), [*QUICK, *(pytest.param(*one, marks=pytest.mark.slow) for one in SLOW)]
)
def test_every_architecture_makes_a_bank(architecture, options):
    plugins = Plugins()
    torch.manual_seed(0)
    chosen, way = plugins.architectures[architecture], plugins.strategies["multi-task"]
    fixed = architecture == "cnn" and "classifier" not in options
    input_spec = InputSpec(16_000, 48_000 if fixed else None)
    sets = [TrainingSet(name, labels, 10) for name, labels in TASKS.items()]
    network = chosen.build(chosen.options(**options), input_spec)
    classifier = way.prepare(network, sets, None, way.options(adapters=True)).classifier
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        for module in classifier.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
    traced = trace(
        MultiTaskModule([(name, classifier) for name in TASKS], input_spec),
        *clips(EXAMPLE, input_spec),
        torch.tensor(0),
    )
    for task, name in enumerate(TASKS):
        assert check_parity(traced, classifier, name, input_spec, task) <= 1e-4
