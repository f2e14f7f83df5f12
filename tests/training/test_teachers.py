"""Teachers: what a trained run says of clips, from kept features where it has a frozen part."""

import pytest
import torch

from emonet_bench.config import Training
from emonet_bench.data.opened_corpus import open_corpus
from emonet_bench.directories import cache_directory
from emonet_bench.errors import ConfigError, TrainingError
from emonet_bench.matrix.cells.cell import run_cell
from emonet_bench.matrix.cells.job import Job
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.runs.spec import Cell, RunSpec
from emonet_bench.runs.store import RunStore
from emonet_bench.training.checkpoints import load, restore, save
from emonet_bench.training.teachers import consult, consult_pretrained
from emonet_bench.types import InputSpec

RECIPE = Training(epochs=2, batch_size=4, window=0.5, device="cpu", precision="float32", limit=6, threads=1)
SMALL = {"num_mels": 16, "n_fft": 256, "hop": 256, "number_of_resnet_blocks": 1, "number_of_filters": 4}


@pytest.fixture(scope="module")
def plugins():
    return Plugins()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EMONET_BENCH_FEATURES_DIR", str(tmp_path / "features"))


def trained(plugins, results, architecture, **options):
    corpus = plugins.corpora["synthetic-calls"]
    spec = RunSpec(
        corpus=corpus.name,
        protocol=next(iter(corpus.protocols)),
        architecture=architecture,
        architecture_options=plugins.architectures[architecture].options(**options).model_dump(mode="json"),
        strategy="scratch",
        strategy_options={},
        training=RECIPE,
        seed=0,
    )
    cell = Cell(spec, "0123456789abcdef")
    assert run_cell(Job(cell, Selection(), results)) is None
    opened = open_corpus(corpus, spec.protocol, RECIPE.sampling_rate, cache_directory())
    return RunStore(results).path(spec, cell.run_id), opened.clips(opened.divide(None, 6)["train"])


@pytest.mark.parametrize(("architecture", "options"), [("svm", {}), ("cnn", SMALL)])
def test_a_teacher_says_of_each_whole_clip_what_its_network_computes(plugins, tmp_path, architecture, options):
    run, clips = trained(plugins, tmp_path / "results", architecture, **options)
    teacher = consult(run, {"synthetic-calls": clips}, plugins)
    assert teacher.title == f"{architecture} scratch"
    classifier, _ = restore(run, plugins)
    given = teacher.outputs["synthetic-calls"]
    for place in range(len(clips)):
        batch = clips.whole(torch.tensor([place]))
        with torch.no_grad():
            embedding = classifier.network.embed(batch.waveform, batch.lengths)
            logits = classifier(batch.waveform, batch.lengths)
        torch.testing.assert_close(given.embeddings[[place]], embedding.float(), atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(given.logits[[place]], logits.float(), atol=1e-3, rtol=1e-4)
    assert not given.logits.is_inference(), "a loss may keep them for its gradients"


def test_what_was_computed_for_the_teachers_own_fit_is_not_computed_again(plugins, tmp_path, monkeypatch):
    run, clips = trained(plugins, tmp_path / "results", "svm")

    def unwanted(*_):
        raise AssertionError("features are computed again")

    monkeypatch.setattr("emonet_baselines.svm.SvmNetwork.frozen", unwanted)
    assert len(consult(run, {"synthetic-calls": clips}, plugins).outputs["synthetic-calls"].logits) == len(clips)


def test_outputs_that_are_not_finite_teach_nobody(plugins, tmp_path):
    run, clips = trained(plugins, tmp_path / "results", "cnn", **SMALL)
    classifier, _ = restore(run, plugins)
    torch.nn.init.constant_(next(classifier.heads.parameters()), torch.inf)
    file = run / "model.safetensors"
    save(classifier, file, load(file).header)
    with pytest.raises(TrainingError, match="the teacher synthetic-calls cnn scratch s0 gives outputs that are not"):
        consult(run, {"synthetic-calls": clips}, plugins)


def test_a_network_that_is_not_trained_teaches_what_its_frozen_part_makes_of_each_clip(plugins, tmp_path):
    _, clips = trained(plugins, tmp_path / "results", "svm")
    options = plugins.architectures["svm"].options().model_dump(mode="json")
    taught = {"one": clips, "two": clips.select([3, 1])}
    teacher = consult_pretrained("svm", options, taught, RECIPE, plugins)
    assert teacher.title == "svm as it is, not trained here"
    built = plugins.architectures["svm"].build(plugins.architectures["svm"].options(), InputSpec(16_000))
    for place in range(len(clips)):
        batch = clips.whole(torch.tensor([place]))
        with torch.no_grad():
            expected = built.embed(batch.waveform, batch.lengths).float()
        torch.testing.assert_close(teacher.outputs["one"].embeddings[[place]], expected, atol=1e-3, rtol=1e-4)
    assert torch.equal(teacher.outputs["two"].embeddings, teacher.outputs["one"].embeddings[[3, 1]])
    assert teacher.outputs["one"].logits is None


def test_a_network_that_would_have_to_be_trained_first_teaches_nothing(plugins, tmp_path):
    _, clips = trained(plugins, tmp_path / "results", "cnn", **SMALL)
    options = SMALL | {"classifier": "statistics"}  # takes whole clips
    with pytest.raises(ConfigError, match="the teacher cnn has no frozen part, so that without a training it tells"):
        consult_pretrained("cnn", options, {"one": clips}, RECIPE, plugins)


def test_a_teacher_of_one_corpus_is_heard_on_others(plugins, tmp_path):
    run, clips = trained(plugins, tmp_path / "results", "svm")
    given = consult(run, {"synthetic-calls": clips, "elsewhere": clips.select([2, 0])}, plugins).outputs
    for name in ("embeddings", "logits"):
        assert torch.equal(getattr(given["elsewhere"], name), getattr(given["synthetic-calls"], name)[[2, 0]])
