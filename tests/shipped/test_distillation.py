"""Distillation: its losses against NumPy, what a student learns from a teacher, and a matrix with one."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from emonet_transfer.distillation import embedding_loss, embedding_targets, joint_targets, soft_label_loss
from emonet_transfer.options import DistillOptions

from emonet_bench import load_results, report, run_matrix
from emonet_bench.config import Training, parse
from emonet_bench.errors import ConfigError
from emonet_bench.plugins.loading import Plugins
from emonet_bench.testing import check_strategy
from emonet_bench.training.loop import train
from emonet_bench.training.prediction import predict
from emonet_bench.types import Teacher, TeacherOutputs
from tests.in_process import cells_in_this_process
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


@pytest.mark.parametrize("what", ["logits", "embeddings"])  # both: as every strategy with its defaults
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
    with cells_in_this_process():
        run_matrix(MATRIX, results=folder, export=True)
    return folder


def test_a_matrix_trains_the_teacher_itself_and_its_student_knows_it(results):
    records = {path.name.split("-s0")[0]: json.loads((path / "result.json").read_text()) for path in results.glob("s*")}
    student, teacher = records["synthetic-calls-cnn-distill"], records["synthetic-calls-svm-scratch"]
    assert student["spec"]["source"] == teacher["run_id"]
    assert student["notes"]["teacher"] == "svm scratch, a run on the same training clips"
    assert "error" not in student["onnx"]
    assert "cnn distill: taught by svm scratch" in " ".join(report.summarise(report.load(results)).notes)
    assert len(load_results(results).table()) == 2


def test_the_student_is_trained_on_what_the_teacher_says(results, tmp_path):
    with cells_in_this_process():
        run_matrix({**MATRIX, "options": {"cnn": SMALL, "distill": {"weight": 9.0}}}, results=tmp_path / "other")
    losses = []
    for folder in (results, tmp_path / "other"):
        (history,) = folder.glob("*distill*/history.csv")
        losses.append([float(row["loss"]) for row in csv.DictReader(history.read_text().splitlines())])
    assert losses[0] != losses[1]


def test_options_that_came_later_identify_no_run_that_does_not_use_them():
    assert DistillOptions().model_dump(mode="json") == {
        "teacher": "svm", "teacher_options": {}, "teacher_strategy": "scratch", "what": "both", "weight": 1.0,
        "temperature": 2.0, "components": 64,
    }  # fmt: skip
    assert DistillOptions(unlabelled=True).model_dump(mode="json")["unlabelled"] is True


def test_a_teacher_that_is_not_trained_has_no_labels_to_teach():
    with pytest.raises(ConfigError, match="names a teacher without labels; set what"):
        parse(DistillOptions, {"teacher_strategy": "none"}, "options.distill")
    assert parse(DistillOptions, {"teacher_strategy": "none", "what": "embeddings"}, "m").teacher_strategy is None


def test_what_tells_corpora_apart_is_no_target_of_a_joint_student():
    first, second = np.random.default_rng(3).normal(size=(2, 25, 6)) @ np.diag([4.0, 1, 1, 1, 1, 1])
    found = joint_targets({"one": torch.from_numpy(first), "two": torch.from_numpy(9 * second + 100)}, 3)
    both = np.concatenate([(rows - rows.mean(0)) / rows.std(0) for rows in (first, second)])
    u, s, _ = np.linalg.svd(both, full_matrices=False)
    expected = (u * s)[:, :3]
    expected /= np.sqrt((expected**2).sum(-1).mean())
    np.testing.assert_allclose(np.abs(np.concatenate(list(found.values()))), np.abs(expected), atol=1e-8)
    (alone,) = joint_targets({"one": torch.from_numpy(first)}, 3).values()
    assert torch.equal(alone, embedding_targets(torch.from_numpy(first), 3))


def test_a_student_of_several_corpora_tells_the_embeddings_of_all_by_one_map():
    first, second = toy_clips(seed=5), toy_clips(20, seed=6)
    rows = torch.randn(60, 5)
    outputs = {"one": TeacherOutputs(rows[:40], None), "two": TeacherOutputs(rows[40:], None)}
    options = DistillOptions(teacher_strategy=None, what="embeddings", components=4)
    sets = [toy_set(first, "one"), toy_set(second, "two")]
    plan = Plugins().strategies["distill"].prepare(Toy(), sets, Teacher("toy", outputs), options)
    targets = torch.cat(list(joint_targets({"one": rows[:40], "two": rows[40:]}, 4).values()))
    batch = replace(second.whole(torch.tensor([3, 7])), corpus="two")
    embedding = torch.randn(2, 8)
    expected = embedding_loss(plan.classifier.projection(embedding), targets[[43, 47]])
    torch.testing.assert_close(plan.penalty(batch, embedding, torch.zeros(2, 2)), expected)


SHARED = {**MATRIX, "corpora": ["synthetic-calls", "synthetic-acted"], "options": {"cnn": SMALL}}


def records_of(results):
    return [json.loads(path.read_text()) for path in sorted(results.glob("*/result.json"))]


def test_a_student_hears_other_corpora_without_their_labels_and_the_report_says_so(results, tmp_path):
    options = {"cnn": SMALL, "distill": {"unlabelled": True}}
    excluded = [{"corpus": "synthetic-acted"}]
    with cells_in_this_process():
        run_matrix({**SHARED, "options": options, "exclude": excluded}, results=tmp_path / "results")
    (student,) = (record for record in records_of(tmp_path / "results") if record["spec"]["strategy"] == "distill")
    assert list(student["spec"]["unlabelled"]) == ["synthetic-acted"]
    told = "svm scratch, a run on the same training clips, and on 8 unlabelled clips of synthetic-acted"
    assert student["notes"]["teacher"] == told
    (alone,) = (record for record in records_of(results) if record["spec"]["strategy"] == "distill")
    assert student["run_id"] != alone["run_id"]
    assert student["scores"] != alone["scores"] or student["files"] != alone["files"]


def test_strategies_start_from_a_network_that_pretrained_features_have_taught_on_all_corpora(tmp_path):
    distill = {"teacher": "svm", "teacher_strategy": "none", "what": "embeddings", "components": 4}
    training = {**MATRIX["training"], "last-layer": {"window": "none", "features": "float32"}}
    as_others = {"window": 0.5, "features": "none"}
    sources = {"source": "multi-task+target", "source_strategy": "distill", "source_training": as_others}
    options = {"cnn": {**SMALL, "classifier": "statistics"}, "distill": distill}
    values = {**SHARED, **sources, "strategies": ["last-layer", "adapters"], "training": training, "options": options}
    with cells_in_this_process():
        run_matrix(values, results=tmp_path)
    records = records_of(tmp_path)
    by_id = {record["run_id"]: record for record in records}
    started = [record for record in records if record["spec"]["source"]]
    assert len(records) == len(started) + 1 == 5
    assert {record["spec"]["strategy"] for record in started} == {"last-layer", "adapters"}
    for record in started:
        source = by_id[record["spec"]["source"]]
        assert source["spec"]["corpus"] == "synthetic-calls+synthetic-acted"
        assert source["spec"]["teacher"]["architecture"] == "svm"
        assert record["notes"]["teacher"] == "svm as it is, not trained here, by way of its source"
    assert "cnn last-layer: taught by svm as it is" in " ".join(report.summarise(report.load(tmp_path)).notes)
    for record in started:  # one embedding of each clip is kept, for all epochs
        assert "features" not in record["notes"]
        frozen = record["spec"]["strategy"] == "last-layer"
        assert record["spec"]["training"].get("features") == ("float32" if frozen else None)
