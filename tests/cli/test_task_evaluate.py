"""Evaluation of a trained network on a table: held against the network itself and scikit-learn."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
import soundfile
import torch
from rich.console import Console
from sklearn.metrics import recall_score

from emonet_bench.cli.task_evaluate import evaluate
from emonet_bench.config import Options
from emonet_bench.errors import ConfigError, CorpusError, StoreError
from emonet_bench.networks import build_classifier
from emonet_bench.plugins.loading import Plugins, Selection
from emonet_bench.plugins.registries import Origin
from emonet_bench.training import checkpoints
from emonet_bench.types import Architecture, TrainingSet
from tests.toys import Toy

LABELS = {"one": ("true", "filename"), "two": ("a", "b", "c")}
HEADER = {
    "architecture": "toy",
    "architecture_options": {},
    "strategy": "scratch",
    "strategy_options": {},
    "signal": {"sampling_rate": 16_000, "window": None},
    "corpora": {name: list(labels) for name, labels in LABELS.items()},
    "evaluation": "whole",
}
TOY = Architecture("toy", "a toy", Options, lambda options, spec: Toy())


@pytest.fixture
def plugins():
    """The host's strategies and the toy."""
    loaded = Plugins(Selection(names=("transfer",)))
    loaded.architectures.add("toy", TOY, Origin("tests", "", __name__))
    return loaded


@pytest.fixture
def classifier(tmp_path):
    """An untrained classifier of two tasks, whose checkpoint is written."""
    torch.manual_seed(0)
    made = build_classifier(Toy(), [TrainingSet(name, labels, 0) for name, labels in LABELS.items()]).eval()
    checkpoints.save(made, tmp_path / "toy.safetensors", HEADER)
    return made


@pytest.fixture
def score(tmp_path, plugins, classifier):
    """Score clips of the given labels; what is given goes before what the other tests take."""

    def scored(labels, **changes):
        rows = [("file", "label")]
        for index, label in enumerate(labels):
            tone = 0.4 * np.sin(np.arange(1600 + 160 * index) * (0.05 + 0.1 * index))
            soundfile.write(tmp_path / f"{index}.wav", tone, 16_000)
            rows.append((f"{index}.wav", label))
        with (tmp_path / "test.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
        given = {
            "architecture": TOY, "initial_model": tmp_path / "toy.safetensors", "data_path": tmp_path, "task": "one",
            "test_csv": tmp_path / "test.csv", "output": tmp_path / "out.csv", "device": "cpu",
        }  # fmt: skip
        told = io.StringIO()
        evaluate(plugins=plugins, console=Console(file=told, width=100), **given | changes)
        return told.getvalue()

    return scored


def test_labels_named_like_columns_have_columns_of_their_own(score, tmp_path):
    score(["true", "filename", "true"])
    with (tmp_path / "out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["filename", "probability:true", "probability:filename", "predicted", "true"]
    assert [(row["filename"], row["true"]) for row in rows] == [
        ("0.wav", "true"), ("1.wav", "filename"), ("2.wav", "true"),
    ]  # fmt: skip


def test_probabilities_are_those_of_the_network_and_the_scores_scikit_learns(score, classifier, tmp_path):
    told = score(["c", "a", "b", "a"], task="two")
    with (tmp_path / "out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    classifier.select("two")
    for row in rows:
        heard, _ = soundfile.read(tmp_path / row["filename"], dtype="float32")
        with torch.inference_mode():
            truth = classifier(torch.tensor(heard)[None], torch.tensor([len(heard)])).softmax(-1)[0]
        given = [float(row[f"probability:{label}"]) for label in LABELS["two"]]
        np.testing.assert_allclose(given, truth.numpy(), atol=1e-5)
        assert row["predicted"] == LABELS["two"][int(truth.argmax())]
    uar = recall_score([row["true"] for row in rows], [row["predicted"] for row in rows], average="macro")
    assert f"UAR {uar:.3f}" in told


def test_what_does_not_fit_is_one_line_and_leaves_no_table(score, tmp_path):
    other = Architecture("other", "another", Options, TOY.build)
    for changes, kind, words in (
        ({"architecture": other}, ConfigError, "toy.safetensors: it is a toy, not a other"),
        ({"task": None}, ConfigError, "it was trained on 'one', 'two'; choose one with -t"),
        ({"task": "tow"}, ConfigError, "has no such task; did you mean 'two'?"),
        ({"task": "two"}, CorpusError, "the network knows no label 'true'; it was trained on 'a', 'b', 'c'"),
    ):
        with pytest.raises(kind) as caught:
            score(["true"], **changes)
        assert words in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_table_that_has_no_place_is_refused_before_anything_is_read(score, tmp_path):
    with pytest.raises(StoreError, match=r"-o .*absent/out.csv: cannot be written"):
        score(["true"], output=tmp_path / "absent" / "out.csv", initial_model=tmp_path / "none")
