"""Tables of external predictions: what is read, and what is refused with a line that names the row."""

import json

import pytest

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.report.external.table import read_external

LABELS = ("anger", "fear", "joy")


def read(tmp_path, text, labels=LABELS):
    path = tmp_path / "preds.csv"
    path.write_text(text, encoding="utf-8")
    return [(row.utterance, row.label, row.probabilities) for row in read_external(path, labels)]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("column", ["label", "prediction"])
def test_a_table_of_labels_is_read_whatever_separates_its_cells(tmp_path, separator, column):
    lines = [f"utterance,file,{column}", "a,/a.wav,joy", "", "b,/b.wav,fear"]
    assert read(tmp_path, "\n".join(lines).replace(",", separator)) == [("a", "joy", None), ("b", "fear", None)]


def test_probabilities_stand_under_labels_with_or_without_their_prefix_in_any_order(tmp_path):
    plain = read(tmp_path, "utterance,joy,anger,fear\na,0.2,0.7,0.1\n")
    assert plain == [("a", "anger", (0.7, 0.1, 0.2))]
    assert plain == read(tmp_path, "utterance,probability:joy,probability:anger,fear\na,.2,.7,.1\n")


def test_json_lines_say_the_same(tmp_path):
    lines = [{"utterance": "a", "probabilities": {"joy": 0.2, "anger": 0.7, "fear": 0.1}}]
    assert read(tmp_path, "\n".join(map(json.dumps, lines))) == [("a", "anger", (0.7, 0.1, 0.2))]
    assert read(tmp_path, '{"utterance": "a", "label": "joy"}\n\n') == [("a", "joy", None)]


def test_the_empty_cells_of_a_template_say_nothing(tmp_path):
    head = "utterance,fold,file,label,probability:anger,probability:fear,probability:joy\n"
    assert read(tmp_path, f"{head}a,0,/a.wav,joy,,,\n") == [("a", "joy", None)]
    assert read(tmp_path, f"{head}a,0,/a.wav,,.5,.25,.25\n") == [("a", "anger", (0.5, 0.25, 0.25))]


def test_of_equal_probabilities_the_given_label_counts_else_the_first(tmp_path):
    assert read(tmp_path, "utterance,prediction,anger,fear,joy\na,joy,.4,.2,.4\n")[0][1] == "joy"
    assert read(tmp_path, "utterance,anger,fear,joy\na,.4,.2,.4\n")[0][1] == "anger"


def test_rows_of_other_partitions_are_passed_over(tmp_path):
    assert read(tmp_path, "utterance,partition,label\na,dev,joy\nb,test,fear\n") == [("b", "fear", None)]


def test_labels_that_are_called_as_columns_need_the_prefix(tmp_path):
    text = "utterance,label,probability:label,probability:file\na,file,0.25,0.75\n"
    assert read(tmp_path, text, ("label", "file")) == [("a", "file", (0.25, 0.75))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: no column is called 'utterance'"),
        ("file,label\na,joy\n", r"line 1: no column is called 'utterance'"),
        ("utterance,label\n", r"preds\.csv: holds no prediction"),
        ("utterance,label,label\na,joy,joy\n", r"line 1: the column 'label' stands there twice"),
        ("utterance,joy,probability:joy\na,1,1\n", r"line 1: the column 'probability:joy' stands there twice"),
        ("utterance,label\na,joy\nb,joi\n", r"line 3: 'joi' is not a label; did you mean 'joy'"),
        ("utterance,label\na,joy\n,joy\n", r"line 3: no utterance"),
        ("utterance,label\na,joy\nb,\n", r"line 3: b has neither a label nor probabilities"),
        ("utterance,label\na,joy\nb,joy\na,joy\n", r"line 4: a stands in line 2, too; give each clip once"),
        ("utterance,label,prediction\na,joy,joy\n", r"line 2: both 'label', 'prediction' are given"),
        ("utterance,label\na,joy,1\n", r"line 2: has 3 cells, the header 2"),
        ('utterance,label\na,"joy\n', r"line 2: not a CSV file in UTF-8"),
        ("utterance,anger,fear,joy\na,nan,0.5,0.5\n", r"line 2: anger: 'nan' is no probability"),
        ("utterance,anger,fear,joy\na,-.5,1,.5\n", r"line 2: anger: '-\.5' is no probability"),
        ("utterance,anger,fear,joy\na,1e999,1,.5\n", r"line 2: anger: '1e999' is no probability"),
        ("utterance,anger,fear,joy\na,.9,.9,.9\n", r"line 2: the probabilities sum to 2\.7, not to 1"),
        ("utterance,anger,fear,joy\na,0,0,0\n", r"line 2: the probabilities sum to 0, not to 1"),
        ("utterance,anger,joy\na,.5,.5\n", r"line 2: no probability of 'fear'; give all 3"),
        ("utterance,anger,fear,jou\na,.5,.5,0\n", r"line 2: 'jou' is neither a label .* did you mean 'joy'"),
        ("utterance,label,anger,fear,joy\na,joy,.5,.3,.2\n", r"line 2: the label 'joy' is not the most probable, 'anger'"),
        ("utterance,label,anger,fear,joy\na,joy,,,\nb,,1,0,0\n", r"line 3: only one of this line and line 2 gives prob"),
        ('{"utterance": "a", "label": "joy"}\n{', r"line 2: no JSON"),
        ('{"utterance": "a", "label": "joy"}\n[]', r"line 2: no JSON object"),
        ('{"utterance": 5, "label": "joy"}', r"line 1: no utterance"),
        ('{"utterance": "a", "label": 5}', r"line 1: '5' is not a label"),
        ('{"utterance": "a", "probabilities": [1]}', r"line 1: probabilities must be an object"),
        ('{"utterance": "a", "probabilities": {"anger": NaN}}', r"line 1: no JSON"),
        ('{"utterance": "a", "probabilities": {"anger": [], "fear": 0, "joy": 0}}', r"line 1: anger: '\[\]' is no prob"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_names_the_row(tmp_path, text, message):
    with pytest.raises(CorpusError, match=message) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "preds.csv"))


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(CorpusError, match="cannot be read"):
        read_external(tmp_path / "absent.csv", LABELS)
    (tmp_path / "latin.csv").write_bytes("utterance,label\nä,joy\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="not in UTF-8"):
        read_external(tmp_path / "latin.csv", LABELS)
    with pytest.raises(ConfigError, match="no regular file"):
        read_external(tmp_path, LABELS)
