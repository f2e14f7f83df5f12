"""What is written down of a run's predictions."""

from dataclasses import replace

import pytest
import torch
from sklearn.metrics import cohen_kappa_score, confusion_matrix, recall_score

from emonet_bench.matrix.cells.scoring import joint_scores, prediction_rows, score, selection_facts
from emonet_bench.metrics.choice import choose_metric
from emonet_bench.plugins.loading import Plugins
from emonet_bench.runs.facts import ScoredPartition, Scores
from tests.toys import toy_clips


def test_scores_are_scikit_learns():
    clips = toy_clips(count=30, labels=("a", "b", "c"))
    probabilities = torch.rand(30, 3).softmax(-1)
    found = score(clips, probabilities)
    truth, prediction = clips.targets.numpy(), probabilities.argmax(-1).numpy()
    assert found.scores.uar == pytest.approx(recall_score(truth, prediction, average="macro"))
    assert found.confusion == confusion_matrix(truth, prediction).tolist()


def test_predictions_name_utterance_speaker_truth_and_every_probability():
    clips = toy_clips(count=4)
    rows = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    found = list(prediction_rows({"dev": clips, "test": clips}, {"dev": rows, "test": rows}))
    assert [row[1] for row in found] == ["dev"] * 4 + ["test"] * 4
    assert found[1] == ["001", "dev", "s1", "low", "low", "0.2", "0.8"]


def test_several_corpora_are_averaged_and_listed():
    parts = {
        name: {
            part: ScoredPartition(scores=Scores(uar=value, accuracy=value), confusion=[]) for part in ("dev", "test")
        }
        for name, value in (("a", 0.2), ("b", 0.6))
    }
    found = joint_scores(parts)
    assert found["scores"]["test"].uar == pytest.approx(0.4)
    assert set(found["per_corpus"]) == {"a", "b"}


def test_the_metric_that_a_recipe_names_is_stated_of_dev_as_the_mean_over_corpora():
    kappa = choose_metric("kappa", Plugins(corpora=False).metrics, "training.selection")
    clips = {name: replace(toy_clips(count=20), selection=kappa) for name in ("a", "b")}
    rows = {"a": torch.rand(20, 2), "b": torch.rand(20, 2)}
    each = [cohen_kappa_score(clips[name].targets, rows[name].argmax(-1)) for name in rows]
    stated = selection_facts(clips, rows)["selection"]
    assert (stated.metric, stated.higher_is_better) == ("kappa", True)
    assert stated.dev == pytest.approx(sum(each) / 2)
    assert selection_facts({"a": toy_clips(count=20)}, rows) == {}
