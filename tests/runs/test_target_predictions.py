"""Predictions whose target is no label, written and read."""

import math

import pandas as pd
import pytest

from emonet_bench.errors import StoreError
from emonet_bench.runs.target_predictions import read_target_predictions, write_target_predictions

NAMES = ("arousal", "valence, felt")
ROWS = [["a.wav", "dev", "s1", 1.0, 0.1 + 0.2, 1 / 3, -2e-17], ["b.wav", "test", "", 4.0, 5.0, 6.0, 7.0]]


def written(path, rows=ROWS, kind="values"):
    write_target_predictions(path, kind, NAMES, [[*row[:3], *map(repr, row[3:])] for row in rows])
    return path


def test_numbers_are_read_back_to_the_last_bit(tmp_path):
    table = read_target_predictions(written(tmp_path / "p.csv"), "values", NAMES)
    assert table.truth == ((1.0, 0.1 + 0.2), (4.0, 5.0))
    assert table.predicted == ((1 / 3, -2e-17), (6.0, 7.0))
    assert (table.utterances, table.speakers) == (("a.wav", "b.wav"), ("s1", None))
    assert table.part("test").predicted == ((6.0, 7.0),)


@pytest.mark.parametrize(("kind", "prefix"), [("votes", "probability"), ("label-set", "score"), ("values", "value")])
def test_columns_are_called_after_the_kind(tmp_path, kind, prefix):
    frame = pd.read_csv(written(tmp_path / "p.csv", kind=kind))
    expected = [f"{word}:{name}" for word in ("truth", prefix) for name in NAMES]
    assert list(frame.columns) == ["utterance", "partition", "speaker", *expected]


@pytest.mark.parametrize(
    ("rows", "kind", "names", "message"),
    [
        (ROWS, "votes", NAMES, "its columns are not those of the run's target, votes"),
        (ROWS, "values", NAMES[:1], "its columns are not those"),
        ([["a", "dev", "", math.nan, 1.0, 1.0, 1.0]], "values", NAMES, "is none"),
        (2 * [["a", "dev", "", 1.0, 1.0, 1.0, 1.0]], "values", NAMES, "a on dev stands in it 2 times"),
        ([["a", "nowhere", "", 1.0, 1.0, 1.0, 1.0]], "values", NAMES, "unknown partition 'nowhere'"),
    ],
)
def test_a_table_that_is_not_the_runs_is_refused(tmp_path, rows, kind, names, message):
    path = written(tmp_path / "p.csv", rows)
    with pytest.raises(StoreError, match=message):
        read_target_predictions(path, kind, names)
