"""The predictions of a run: labels of any name, older tables, damaged ones."""

import pandas as pd
import pytest

from emonet_bench.errors import StoreError
from emonet_bench.runs.predictions import read_predictions, write_predictions

AWKWARD = ["speaker", "truth", "prediction", "partition", "file", "start", "end", "utterance", "probability:x", 'a,"b"']
ROWS = [
    ["one", "dev", "", AWKWARD[0], AWKWARD[1], *["0"] * 9, "1"],
    ["two", "test", "s", AWKWARD[8], AWKWARD[9], *["0.05"] * 9, "0.55"],
]


def check(table):
    assert list(table.labels) == AWKWARD
    test = table.part("test")
    assert (test.utterances, test.speakers) == (["two"], ["s"])
    assert (test.truth, test.prediction, test.confidence()) == ([AWKWARD[8]], [AWKWARD[9]], [0.55])
    assert table.part("dev").speakers == [None]
    assert table.probabilities()[0][-1] == 1.0


def test_labels_may_be_called_like_columns(tmp_path):
    write_predictions(tmp_path / "predictions.csv", AWKWARD, ROWS)
    check(read_predictions(tmp_path / "predictions.csv", AWKWARD))
    frame = pd.read_csv(tmp_path / "predictions.csv")
    assert list(frame.columns[5:]) == [f"probability:{label}" for label in AWKWARD]
    assert frame["probability:speaker"].tolist() == [0.0, 0.05]


def test_tables_of_schema_1_are_read_even_where_their_labels_are_called_like_columns(tmp_path):
    write_predictions(tmp_path / "predictions.csv", AWKWARD, ROWS)
    head, rest = (tmp_path / "predictions.csv").read_text().split("\n", 1)
    (tmp_path / "old.csv").write_text(head.replace("probability:probability:", "PREFIX").replace("probability:", "").replace("PREFIX", "probability:") + "\n" + rest)  # fmt: skip
    assert (tmp_path / "old.csv").read_text().startswith("utterance,partition,speaker,truth,prediction,speaker,truth,")
    check(read_predictions(tmp_path / "old.csv", AWKWARD))


HEAD = "utterance,partition,speaker,truth,prediction,probability:a,probability:b\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("", "the first columns are not"),
        (HEAD.replace("partition,", ""), "the first columns are not"),
        (HEAD.replace("probability:b", "probability:c"), "its columns are not the run's labels"),
        (HEAD.replace(",probability:b", ""), "its columns are not the run's labels"),
        (HEAD.replace("probability:b", "probability:a"), "its columns are not the run's labels"),
        (HEAD + "1,test,s,a,b,1\n", "a line has not 7 fields"),
        (HEAD + "x" * 200_000, "field larger than field limit"),
        (HEAD + '1,"', "unexpected end of data"),
        (HEAD + "\xff", "can't decode"),
    ],
)
def test_a_damaged_table_is_one_line_that_names_it(tmp_path, content, message):
    if content is not None:
        (tmp_path / "predictions.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(StoreError, match=rf"predictions\.csv: damaged or missing \(.*{message}") as caught:
        read_predictions(tmp_path / "predictions.csv", ["a", "b"])
    assert len(str(caught.value).splitlines()) == 1


def test_a_clip_counts_once(tmp_path):
    row = "1,test,s,a,b,0,1\n"
    (tmp_path / "predictions.csv").write_text(HEAD + row + "2" + row[1:] + row.replace("test", "dev"))
    assert len(read_predictions(tmp_path / "predictions.csv", ["a", "b"]).rows) == 3
    (tmp_path / "predictions.csv").write_text(HEAD + 2 * row)
    with pytest.raises(StoreError, match=r"predictions\.csv: damaged \(1 on test stands in it 2 times\)$"):
        read_predictions(tmp_path / "predictions.csv", ["a", "b"])


@pytest.mark.parametrize("text", ["nan", "-0.1", "1.1", "inf", "", "one"])
def test_what_is_no_probability_is_refused(tmp_path, text):
    (tmp_path / "predictions.csv").write_text(HEAD + f"1,test,s,a,b,0,{text}\n")
    table = read_predictions(tmp_path / "predictions.csv", ["a", "b"])
    for ask in (table.probabilities, table.confidence):
        with pytest.raises(StoreError, match="is no probability"):
            ask()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,test,s,a,c,0,1\n", "undeclared label 'c'"),
        ("1,test,s,c,a,0,1\n", "undeclared label 'c'"),
        ("1,tst,s,a,a,1,0\n", "unknown partition 'tst'"),
    ],
)
def test_other_labels_and_partitions_are_refused(tmp_path, line, message):
    (tmp_path / "predictions.csv").write_text(HEAD + line)
    with pytest.raises(StoreError, match=message):
        read_predictions(tmp_path / "predictions.csv", ["a", "b"])
