"""The columns of a table that hold targets."""

import pytest

from emonet_bench.data.target_columns import target_columns
from emonet_bench.errors import CorpusError
from emonet_bench.types import Target


def read(header, row):
    return {key: value for columns in target_columns("t", header) for key, value in columns.read("t", row).items()}


def test_votes_sets_and_values_are_told_apart_by_their_titles():
    header = ["file", "votes:Anger", "labels:joy", "arousal:1..7", "Votes:joy", "labels:fear", "valence:-1..1.5"]
    assert [columns.target for columns in target_columns("t", header)] == [
        Target("votes", "votes", ("Anger", "joy")),
        Target("labels", "label-set", ("joy", "fear")),
        Target("values", "values", ("arousal", "valence"), ((1.0, 7.0), (-1.0, 1.5))),
    ]
    assert read(header, ["a.wav", "2", "1", "3.5", "", "0", "-0.5"]) == {
        "votes": {"Anger": 2.0, "joy": 0.0},
        "labels": frozenset({"joy"}),
        "values": {"arousal": 3.5, "valence": -0.5},
    }


def test_columns_of_other_tables_are_left_alone():
    assert target_columns("t", ["file", "label", "arousal", "votes", "time:12:30", "arousal:high"]) == []


def test_a_row_of_empty_cells_says_nothing():
    assert read(["file", "votes:a", "votes:b", "arousal:1..7"], ["a.wav", "", " ", ""]) == {}


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (["votes:a", "votes:b"], ["2", "many"], "b must be a number; got 'many'"),
        (["arousal:1..7", "valence:1..7"], ["2", ""], "has no valence; give all of arousal, valence, or none of them"),
        (["labels:a", "labels:b"], ["1", "2"], "labels:b must be 1 or 0; got 2"),
        (["votes:a"], ["2"], "at least 2 names"),
        (["votes:a", "votes: a"], ["2", "1"], "two columns hold votes:a"),
        (["Vote: a", "votes:b", "votes:c"], ["2", "1", "0"], "'Vote: a' is read as nothing; write it as votes:a"),
        (["label:loud"], ["1"], "write it as labels:loud"),
        (["arousal:7..1"], ["2"], "it must rise"),
        (["arousal:low..high"], ["2"], "'arousal:low..high' states no scale of numbers; write it as arousal:1..7"),
        (["arousal:nan..7"], ["2"], "'arousal:nan..7' states no scale"),
        (["arousal:1.."], ["2"], "'arousal:1..' states no scale"),
    ],
)
def test_what_makes_no_target_is_refused(header, row, message):
    with pytest.raises(CorpusError, match=message) as refused:
        read(header, row)
    assert str(refused.value).startswith("t: ")
