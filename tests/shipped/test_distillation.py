"""Distillation: its losses against NumPy, what a student learns from a teacher, and a matrix with one."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from emonet_transfer.distillation import embedding_loss, embedding_targets, soft_label_loss
from emonet_transfer.options import DistillOptions

from emonet_bench import load_results, report, run_matrix
from emonet_bench.config import Training
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing import check_strategy
from emonet_bench.training.loop import train
from emonet_bench.training.prediction import predict
from emonet_bench.types import Teacher, TeacherOutputs
from tests.toys import Toy, toy_clips, toy_set

CLIPS = toy_clips()
RECIPE = Training(
    epochs=30, batch_size=8, learning_rate=0.02, window=0.3, sampling_rate=1_000, device="cpu", precision="float32"
)


def softmax(rows):
    powers = np.exp(rows - rows.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_soft_labels_are_held_against_each_other_by_the_kullback_leibler_divergence(temperature):
    student, teacher = np.random.default_rng(0).normal(size=(2, 5, 4))
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    expected = temperature**2 * (p * np.log(p / q)).sum(-1).mean()
    found = soft_label_loss(torch.from_numpy(student), torch.from_numpy(teacher), temperature)
    assert found.item() == pytest.approx(expected)
    assert soft_label_loss(torch.from_numpy(teacher), torch.from_numpy(teacher), temperature).item() == pytest.approx(0)


def test_the_targets_are_the_principal_components_of_standardised_embeddings():
    rows = np.random.default_rng(1).normal(size=(30, 6)) @ np.diag([100.0, 1, 1, 1, 1, 1]) + 5
    standardised = (rows - rows.mean(0)) / rows.std(0)
    u, s, _ = np.linalg.svd(standardised, full_matrices=False)
    expected = (u * s)[:, :3]
    expected /= np.sqrt((expected**2).sum(-1).mean())
    found = embedding_targets(torch.from_numpy(rows), 3).numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-8)


def test_few_clips_have_few_components_and_a_feature_that_never_changes_is_left_alone():
    rows = torch.cat([torch.randn(4, 8), torch.full((4, 1), 7.0)], 1)
    found = embedding_targets(rows, 10)
    assert found.shape == (4, 10)
    assert found.isfinite().all()
    assert not found[:, 4:].any()
    assert not embedding_targets(torch.ones(4, 3), 2).any(), "a teacher that says the same of all clips"


def test_a_student_that_tells_nothing_has_the_loss_one_and_one_that_tells_all_has_none():
    targets = embedding_targets(torch.randn(20, 6), 4)
    assert embedding_loss(torch.zeros_like(targets), targets).item() == pytest.approx(1, abs=1e-5)
    assert embedding_loss(targets, targets).item() == 0


@pytest.mark.parametrize("what", ["logits", "embeddings", "both"])
def test_the_strategy_keeps_its_contracts_whatever_is_taught(what):
    check_strategy("distill", {"what": what, "components": 3})


def taught(logits, embeddings, dev=CLIPS, **options):
    """Train a student; the teacher says these things of the toy's clips, and dev chooses the epoch."""
    strategy = Plugins().strategies["distill"]
    torch.manual_seed(0)
    teacher = Teacher("toy scratch", {"toy": TeacherOutputs(embeddings, logits)})
    plan = strategy.prepare(Toy(), [toy_set(CLIPS)], teacher, DistillOptions(**options))
    train(plan, {"toy": CLIPS}, {"toy": dev}, RECIPE, 0)
    return plan


@pytest.mark.parametrize(("weight", "believed"), [(50.0, 1 - CLIPS.targets), (1e-6, CLIPS.targets)])
def test_a_student_believes_its_teacher_or_the_labels_by_their_weight(weight, believed):
    swapped = 20 * torch.nn.functional.one_hot(1 - CLIPS.targets, 2).float()  # the opposite of every label
    dev = replace(CLIPS, targets=believed)
    plan = taught(swapped, torch.zeros(len(CLIPS), 3), dev, what="logits", weight=weight, temperature=1.0)
    assert (predict(plan.classifier, CLIPS, RECIPE).argmax(-1) == believed).float().mean() > 0.9


def test_the_student_learns_to_tell_its_teachers_embedding():
    embeddings = torch.randn(2, 5)[CLIPS.targets]  # one for each label: within the student's reach
    plan = taught(torch.zeros(len(CLIPS), 2), embeddings, what="embeddings", weight=10.0, components=1)
    batch = CLIPS.whole(torch.arange(len(CLIPS)))
    with torch.no_grad():
        embedding = plan.classifier.eval().network.embed(batch.waveform, batch.lengths)
        told = plan.classifier.projection(embedding)
    assert embedding_loss(told, embedding_targets(embeddings, 1)).item() < 0.5


SMALL = {"num_mels": 16, "n_fft": 256, "hop": 256, "number_of_resnet_blocks": 1, "number_of_filters": 4}
MATRIX = {
    "corpora": ["synthetic-calls"],
    "architectures": ["cnn"],
    "strategies": ["distill"],
    "training": {"epochs": 2, "limit": 8, "window": 0.5, "batch_size": 8},
    "options": {"cnn": SMALL},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distilled") / "results"
    run_matrix(MATRIX, results=folder, export=True)
    return folder


def test_a_matrix_trains_the_teacher_itself_and_its_student_knows_it(results):
    records = {path.name.split("-s0")[0]: json.loads((path / "result.json").read_text()) for path in results.glob("s*")}
    student, teacher = records["synthetic-calls-cnn-distill"], records["synthetic-calls-svm-scratch"]
    assert student["spec"]["source"] == teacher["run_id"]
    assert student["notes"]["teacher"] == "svm scratch"
    assert "error" not in student["onnx"]
    assert "cnn distill: taught by svm scratch" in " ".join(report.summarise(report.load(results)).notes)
    assert len(load_results(results).table()) == 2


def test_the_student_is_trained_on_what_the_teacher_says(results, tmp_path):
    run_matrix({**MATRIX, "options": {"cnn": SMALL, "distill": {"weight": 9.0}}}, results=tmp_path / "other")
    losses = []
    for folder in (results, tmp_path / "other"):
        (history,) = folder.glob("*distill*/history.csv")
        losses.append([float(row["loss"]) for row in csv.DictReader(history.read_text().splitlines())])
    assert losses[0] != losses[1]
