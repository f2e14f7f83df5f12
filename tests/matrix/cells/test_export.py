"""ONNX export of a cell: where the models go, and what a run says of one that could not be exported."""

from types import SimpleNamespace

import pytest
import torch

from emonet_bench import export
from emonet_bench.errors import ExportError
from emonet_bench.matrix.cells.export import export_networks
from emonet_bench.networks import build_classifier
from emonet_bench.runs.facts import Exported, ScoredPartition, Scores
from emonet_bench.runs.files import RunFiles
from tests.matrix.test_scheduler import cell
from tests.toys import Toy, toy_clips, toy_set
from tests.written import finished

CLIPS = {name: toy_clips(count=4) for name in ("a", "b")}


@pytest.fixture
def exported(monkeypatch):
    """The arguments of each export; those of corpus b fail."""
    seen = []

    def export_run(directory, classifier, record, path, input_spec, clips):
        seen.append((record.spec.corpus, path, input_spec))
        assert clips.samples.device == torch.device("cpu")
        if record.spec.corpus == "b":
            raise ExportError(f"{path}: no such operator")
        return SimpleNamespace(max_delta=1e-6, uar=0.5)

    monkeypatch.setattr(export, "export_run", export_run)
    return seen


def exporting(tmp_path, names):
    one = cell("+".join(names))
    spec = one.spec.model_copy(update={"protocol": "+".join("p" for _ in names)})
    scored = {"test": ScoredPartition(scores=Scores(uar=0.5), confusion=[[1, 0], [1, 0]])}
    joint = {
        "per_corpus": dict.fromkeys(names, scored),
        "corpora": {name: {"labels": ["high", "low"]} for name in names},
    }
    record = finished(one, spec=spec, **(joint if len(names) > 1 else {}))
    classifier = build_classifier(Toy(), [toy_set(CLIPS[name], name) for name in names])
    return export_networks(classifier, record, RunFiles(tmp_path), {name: CLIPS[name] for name in names})


def test_one_network_is_one_model_with_its_parity(exported, tmp_path):
    assert exporting(tmp_path, ["a"]) == Exported(file="model.onnx", max_delta=1e-6, uar=0.5)
    ((_, path, input_spec),) = exported
    assert path == tmp_path / "model.onnx"
    assert (input_spec.sampling_rate, input_spec.window) == (16_000, None)


def test_what_cannot_be_exported_says_why_without_the_path_that_goes_with_the_run(exported, tmp_path):
    assert exporting(tmp_path, ["b"]) == Exported(error="no such operator")


def test_each_corpus_of_a_joint_run_has_a_model_and_one_that_fails_costs_no_other(exported, tmp_path):
    told = exporting(tmp_path, ["b", "a"])
    assert told == {
        "a": Exported(file="model-a.onnx", max_delta=1e-6, uar=0.5),
        "b": Exported(error="no such operator"),
    }
    assert [path.name for _, path, _ in exported] == ["model-b.onnx", "model-a.onnx"]


def test_other_faults_are_not_taken_for_a_failed_export(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "export_run", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        exporting(tmp_path, ["a"])
