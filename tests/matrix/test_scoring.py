"""What is written down of a run."""

import csv
import sys

import pytest
import torch
from sklearn.metrics import confusion_matrix, recall_score

from emonet_bench.matrix.scoring import (
    History,
    describe_error,
    forget_peak_memory,
    joint_scores,
    peak_memory_mb,
    score,
    write_predictions,
)
from emonet_bench.training.loop import Epoch
from tests.toys import toy_clips


def read(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def epoch(number, uar=0.5):
    return Epoch(number, 1.0, uar, 0.01, 2.0)


def test_the_history_can_be_read_after_every_epoch(tmp_path):
    history = History(tmp_path / "history.csv")
    for number in (1, 2):
        history.write(epoch(number))
        rows = read(tmp_path / "history.csv")
        assert [int(row["epoch"]) for row in rows] == list(range(1, number + 1))


def test_a_continued_history_replaces_what_is_trained_again(tmp_path):
    first = History(tmp_path / "history.csv")
    for number in (1, 2, 3):
        first.write(epoch(number, uar=0.1))
    History(tmp_path / "history.csv").write(epoch(2, uar=0.9))
    rows = read(tmp_path / "history.csv")
    assert [(row["epoch"], row["dev_uar"]) for row in rows] == [("1", "0.100000"), ("2", "0.900000")]


def test_scores_are_scikit_learns():
    clips = toy_clips(count=30, labels=("a", "b", "c"))
    probabilities = torch.rand(30, 3).softmax(-1)
    found = score(clips, probabilities)
    truth, prediction = clips.targets.numpy(), probabilities.argmax(-1).numpy()
    assert found["scores"]["uar"] == pytest.approx(recall_score(truth, prediction, average="macro"))
    assert found["confusion"] == confusion_matrix(truth, prediction).tolist()


def test_predictions_name_utterance_speaker_truth_and_every_probability(tmp_path):
    clips = toy_clips(count=4)
    rows = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5]])
    write_predictions(tmp_path / "predictions.csv", {"dev": clips, "test": clips}, {"dev": rows, "test": rows})
    rows = read(tmp_path / "predictions.csv")
    assert [row["partition"] for row in rows] == ["dev"] * 4 + ["test"] * 4
    assert rows[1] == {
        "utterance": "001",
        "partition": "dev",
        "speaker": "s1",
        "truth": "low",
        "prediction": "low",
        "high": "0.2",
        "low": "0.8",
    }


def test_several_corpora_are_averaged_and_listed():
    parts = {
        name: {part: {"scores": {"uar": value, "accuracy": value}} for part in ("dev", "test")}
        for name, value in (("a", 0.2), ("b", 0.6))
    }
    found = joint_scores(parts)
    assert found["scores"]["test"]["uar"] == pytest.approx(0.4)
    assert set(found["per_corpus"]) == {"a", "b"}


def test_an_error_keeps_its_type_message_and_traceback():
    try:
        raise ValueError("odd")
    except ValueError as error:
        told = describe_error(error)
    assert told["type"] == "ValueError"
    assert told["message"] == "odd"
    assert "test_scoring.py" in told["traceback"]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be forgotten on Linux only")
def test_a_cells_peak_memory_is_its_own():
    device, much = torch.device("cpu"), torch.ones(2**25)  # 128 MiB
    before = peak_memory_mb(device)
    del much
    forget_peak_memory(device)
    assert peak_memory_mb(device) < before - 64
