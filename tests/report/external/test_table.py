"""Tables of external predictions: what is read, and what is refused with a line that names the row."""

import json
from pathlib import Path

import pytest

from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.report.external.table import read_external
from emonet_bench.types import Target, Utterance

LABELS = ("anger", "fear", "joy")
LABEL = Target("label", "label", LABELS)
VOTES = Target("votes", "votes", LABELS)
LABEL_SET = Target("heard", "label-set", LABELS)
VALUES = Target("attributes", "values", ("arousal", "valence"), ((1, 7), (-1, 1)))


def read(tmp_path, text, target=LABEL):
    path = tmp_path / "preds.csv"
    path.write_text(text, encoding="utf-8")
    return [(row.utterance, row.label, row.numbers) for row in read_external(path, target)]


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
    assert read(tmp_path, text, Target("label", "label", ("label", "file"))) == [("a", "file", (0.25, 0.75))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"line 1: no column is called 'utterance'"),
        ("name,label\na,joy\n", r"line 1: no column is called 'utterance'"),
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
        ('[{"utterance": "a", "label": "joy"}]', r"line 1: no JSON object; write one in each line"),
        ('[\n{"utterance": "a", "label": "joy"}\n]', r"line 1: no JSON .*write one object in each line"),
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
        read_external(tmp_path / "absent.csv", LABEL)
    (tmp_path / "latin.csv").write_bytes("utterance,label\nä,joy\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="not in UTF-8"):
        read_external(tmp_path / "latin.csv", LABEL)
    with pytest.raises(ConfigError, match="no regular file"):
        read_external(tmp_path, LABEL)


@pytest.mark.parametrize(
    ("target", "prefix", "name", "numbers"),
    [
        (VOTES, "probability:", "probabilities", (0.25, 0.125, 0.625)),
        (LABEL_SET, "score:", "scores", (0.9, 0.1234567890123456, 1.0)),
        (VALUES, "value:", "values", (7.125, -0.3333333333333333)),
    ],
)
def test_numbers_of_other_targets_are_read_to_the_last_bit(tmp_path, target, prefix, name, numbers):
    said = dict(zip(target.names, numbers, strict=True))
    for head in (target.names, [prefix + one for one in target.names]):
        text = f"utterance,{','.join(head)},file\na,{','.join(map(repr, numbers))},/a.wav\n"
        assert read(tmp_path, text, target) == [("a", None, numbers)]
    assert read(tmp_path, json.dumps({"utterance": "a", name: said}), target) == [("a", None, numbers)]
    truth = ",".join(f"truth:{one}" for one in target.names)
    own = f"utterance,partition,speaker,{truth},{','.join(prefix + one for one in target.names)}\n"
    row = f"a,test,s,{','.join('1' * len(numbers))},{','.join(map(repr, numbers))}\n"
    assert read(tmp_path, own + row, target) == [("a", None, numbers)]


@pytest.mark.parametrize(
    ("target", "text", "message"),
    [
        (VOTES, "utterance,label\na,joy\n", r"line 2: a label says nothing of votes; give probabilities of 'anger'"),
        (VOTES, "utterance,anger,fear,joy\na,0,0,0\n", r"line 2: the probabilities sum to 0, not to 1"),
        (VOTES, "utterance,anger,fear,joy\na,,,\n", r"line 2: a has no probabilities; fill them in"),
        (LABEL_SET, "utterance,anger,fear,joy\na,0,1,1.5\n", r"line 2: joy: '1\.5' is no score; give a number from 0"),
        (LABEL_SET, "utterance,anger,fear,joy\na,0,nan,1\n", r"line 2: fear: 'nan' is no score"),
        (LABEL_SET, "utterance,value:joy\na,1\n", r"line 2: 'value:joy' is a column of values, and label sets are asked"),
        (LABEL, "utterance,score:joy\na,1\n", r"'score:joy' is a column of label sets, and single labels are asked for; "),
        (VALUES, "utterance,arousal\na,3\n", r"line 2: no value of 'valence'; give all 2$"),
        (VALUES, "utterance,arousal,valence\na,3,NaN\n", r"line 2: valence: 'NaN' is no value; give a number on the"),
        (VALUES, "utterance,arousal,valence\na,3,-inf\n", r"line 2: valence: '-inf' is no value"),
        (VALUES, "utterance,arousal,valense\na,3,0\n", r"'valense' is neither an attribute .* did you mean 'valence'"),
        (VALUES, "utterance,value:arousal,value:valense\na,3,0\n", r"'valense' is neither an attribute .* 'valence'"),
        (VALUES, "utterance,arousal,valence\na,3,0\na,3,0\n", r"line 3: a stands in line 2, too"),
        (VALUES, '{"utterance": "a", "values": {"arousal": true, "valence": 0}}', r"line 1: arousal: 'True' is no value"),
        (VALUES, '{"utterance": "a", "values": [1, 2]}', r"line 1: values must be an object, from name to number"),
    ],
)  # fmt: skip
def test_what_does_not_fit_another_target_is_one_line(tmp_path, target, text, message):
    with pytest.raises(CorpusError, match=message) as error:
        read(tmp_path, text, target)
    assert "\n" not in str(error.value)


CLIPS = [
    Utterance("one/a", Path("/data/one/a.wav"), "joy"),
    Utterance("one/b", Path("/data/one/b.wav"), "joy"),
    Utterance("two/b", Path("/data/two/b.wav"), "joy"),
]


def test_what_a_model_predicts_of_files_names_the_clips(tmp_path):
    path = tmp_path / "predicted.csv"
    path.write_text("file,start,end,prediction\n/data/two/b.wav,0,1,joy\nelse/a.wav,0,1,fear\n/data/one/b.wav,,,joy\n")
    rows = read_external(path, LABEL, clips=CLIPS)
    assert [(row.utterance, row.label) for row in rows] == [("two/b", "joy"), ("one/a", "fear"), ("one/b", "joy")]
    path.write_text('{"file": "a.wav", "prediction": "joy", "probabilities": {"anger": 0, "fear": 0.25, "joy": 0.75}}')
    assert [row.utterance for row in read_external(path, LABEL, clips=CLIPS)] == ["one/a"]


def test_a_file_whose_name_two_clips_have_is_no_clip(tmp_path):
    path = tmp_path / "predicted.csv"
    path.write_text("file,label\nb.wav,joy\n")
    assert [row.utterance for row in read_external(path, LABEL, clips=CLIPS)] == ["b.wav"], "which no clip is called"
