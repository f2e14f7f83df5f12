"""The history of a training."""

import csv

import pytest

from emonet_bench.errors import StoreError
from emonet_bench.runs.history import Epoch, HistoryWriter, read_history

HEAD = "epoch,loss,dev_uar,learning_rate,seconds\n"


def epoch(number, uar=0.5):
    return Epoch(number, 1.0, uar, 0.01, 2.0)


def test_the_history_can_be_read_after_every_epoch(tmp_path):
    path = tmp_path / "history.csv"
    history = HistoryWriter(path)
    for number in (1, 2):
        history.write(epoch(number))
        assert read_history(path) == [epoch(n) for n in range(1, number + 1)]
        assert len(list(csv.DictReader(path.read_text().splitlines()))) == number


def test_a_continued_history_replaces_what_is_trained_again(tmp_path):
    first = HistoryWriter(tmp_path / "history.csv")
    for number in (1, 2, 3):
        first.write(epoch(number, uar=0.1))
    HistoryWriter(tmp_path / "history.csv").write(epoch(2, uar=0.9))
    assert [(row.epoch, row.dev_score) for row in read_history(tmp_path / "history.csv")] == [(1, 0.1), (2, 0.9)]


def test_where_nothing_is_written_there_is_no_epoch(tmp_path):
    assert read_history(tmp_path / "history.csv") == []


DAMAGED = [
    "epoch,loss\n1,1\n",
    HEAD + "1,nan,0.5,0.1,1\n",
    HEAD + "1,1,inf,0.1,1\n",
    HEAD + "1,1,0.5\n",
    HEAD + "1,1,0.5,0.1,1,9\n",
    HEAD + "0,1,0.5,0.1,1\n",
    HEAD + "9" * 400 + ",1,0.5,0.1,1\n",
    HEAD + "9" * 5000 + ",1,0.5,0.1,1\n",
    HEAD + "x" * 200_000 + "\n",
    HEAD + '1,"',
    "\xff",
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_history_is_one_line_and_is_begun_anew(tmp_path, content):
    path = tmp_path / "history.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(StoreError, match=r"history\.csv: damaged") as caught:
        read_history(path)
    assert len(str(caught.value).splitlines()) == 1
    HistoryWriter(path).write(epoch(1))
    assert read_history(path) == [epoch(1)]


def test_the_score_on_dev_carries_the_name_of_the_metric_that_selects(tmp_path):
    epoch = Epoch(1, 0.5, 0.25, 0.1, 2.0, "uar:joy, high")
    HistoryWriter(tmp_path / "history.csv").write(epoch)
    assert (tmp_path / "history.csv").read_text().startswith('epoch,loss,"dev_uar:joy, high",learning_rate,seconds\n')
    assert read_history(tmp_path / "history.csv") == [epoch]
    assert list(epoch.scores) == ["loss", "dev_uar:joy, high", "learning_rate", "seconds"]
