"""What a worker refuses: corpora or code that are not what was planned, and numbers that are none."""

import json
import re
from dataclasses import replace

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.errors import TrainingError
from emonet_bench.matrix.cells import cell as cell_module
from emonet_bench.matrix.cells import guards
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.guards import ChangedSincePlanned
from emonet_bench.matrix.cells.job import Job
from emonet_bench.matrix.planning.plan import matrix_source, plan
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.store import RunStore
from emonet_bench.training.prediction import predict
from tests.toys import Toy, toy_clips, toy_set

NETWORK = {"num_mels": 16, "n_fft": 256, "hop": 256, "number_of_resnet_blocks": 1, "number_of_filters": 4}


@pytest.fixture(scope="module")
def planned():
    training = {"epochs": 1, "batch_size": 8, "window": 0.5, "device": "cpu", "precision": "float32", "limit": 8}
    values = {
        "corpora": ["synthetic-calls"],
        "architectures": ["cnn"],
        "training": training,
        "options": {"cnn": NETWORK},
    }
    (cell,) = plan(matrix_source(values), Plugins()).cells
    return cell


def changed(cell, **context):
    return replace(cell, context={**cell.context, **context})


def test_a_cell_that_finds_what_was_planned_runs(planned, tmp_path):
    assert run_cell(Job(planned, Selection(), tmp_path)) is None
    assert not RunStore(tmp_path).record(planned.spec, planned.run_id).failed


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("audio", "corpus synthetic-calls: its audio or labels have changed since planning; run the matrix again"),
        ("partitions", "corpus synthetic-calls: its partitions have changed since planning; run the matrix again"),
        ("code", "plugin cnn: its code is .* here and was 0.0.1 in planning; run the matrix again"),
    ],
)
def test_under_an_identity_that_no_longer_holds_nothing_is_written(planned, tmp_path, what, message):
    ((fingerprint, protocol_id),) = planned.context["corpora"]
    context = {
        "audio": {"corpora": [["0" * 64, protocol_id]]},
        "partitions": {"corpora": [[fingerprint, "0" * 64]]},
        "code": {"plugins": {**planned.context["plugins"], "cnn": "0.0.1"}},
    }[what]
    with pytest.raises(ChangedSincePlanned, match=message) as caught:
        run_cell(Job(changed(planned, **context), Selection(), tmp_path))
    assert "\n" not in str(caught.value)
    assert RunStore(tmp_path).record(planned.spec, planned.run_id) is None
    assert RunStore(tmp_path).unfinished() == []


def failed(results, cell):
    return RunStore(results).record(cell.spec, cell.run_id).error


def test_one_label_in_train_is_an_error_of_the_cell_whatever_is_trained(planned, tmp_path, monkeypatch):
    clips = cell_module.Hearing.clips

    def one_label(self, corpus):
        parts = clips(self, corpus)
        same = [i for i, target in enumerate(parts["train"].targets.tolist()) if target == 0]
        return {**parts, "train": parts["train"].select(same)}

    monkeypatch.setattr(cell_module.Hearing, "clips", one_label)
    run_cell(Job(planned, Selection(), tmp_path))
    assert failed(tmp_path, planned).type == "TrainingError"
    assert "all training clips have one label" in failed(tmp_path, planned).message


def test_a_network_of_nan_is_never_finished(planned, tmp_path, monkeypatch):
    train = cell_module.train

    def ruined(plan, *arguments, **named):
        best = train(plan, *arguments, **named)
        with torch.no_grad():
            next(plan.classifier.parameters()).fill_(float("nan"))  # as by a last step that overflows
        return best

    monkeypatch.setattr(cell_module, "train", ruined)
    run_cell(Job(planned, Selection(), tmp_path))
    assert "holds NaN or infinity" in failed(tmp_path, planned).message
    (directory,) = RunStore(tmp_path).finished()
    assert not (directory / "model.safetensors").exists()
    assert json.loads((directory / "result.json").read_text())["error"]["type"] == "TrainingError"


class Unsteady(Toy):
    """A network whose embedding of a clip is not the clip's own."""

    def __init__(self, fault):
        super().__init__()
        self.fault, self.heard = fault, 0.0

    def embed(self, waveform, lengths):
        own = super().embed(waveform, lengths)
        self.heard += 1
        return {
            "none": own,
            "random": own + torch.randn_like(own),
            "kept": own + self.heard,
            "mixed": own + len(own),
            "padding": own + waveform.shape[1] / 50,
        }[self.fault]


@pytest.mark.parametrize("fault", ["none", "random", "kept", "mixed", "padding"])
def test_a_clip_that_is_predicted_otherwise_alone_than_beside_others_is_told(fault):
    torch.manual_seed(0)
    clips, recipe = toy_clips(), Training(batch_size=8, window=None, device="cpu")
    classifier = build_classifier(Unsteady(fault), [toy_set(clips, "toy")])
    told = guards.apart_when_alone(classifier, clips, recipe, predict(classifier, clips, recipe))
    assert bool(told) == (fault != "none")
    assert re.match(r"(\d{3} is predicted otherwise alone than beside other clips, by 0\.\d+: in evaluation|$)", told)


def test_predictions_of_nan_are_counted_and_refused():
    rows = torch.tensor([[0.5, 0.5], [float("nan"), float("nan")]])
    with pytest.raises(TrainingError, match="corpus mine: the network gives NaN for 1 of 2 clips"):
        guards.check_probabilities(rows, "mine")
    guards.check_probabilities(rows[:1], "mine")


def test_each_corpus_needs_two_labels():
    good, bad = toy_clips(), toy_clips()
    bad.targets.fill_(1)
    guards.check_labels({"good": good})
    with pytest.raises(TrainingError, match="corpus bad: all training clips have one label"):
        guards.check_labels({"good": good, "bad": bad})
