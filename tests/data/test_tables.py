import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emonet_bench.config import Options
from emonet_bench.data.coverage import coverage
from emonet_bench.data.label_maps import relabelled
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.data.partitions import assign, folds
from emonet_bench.data.tables import holds_tables, read_directory, read_table, read_tables
from emonet_bench.errors import ConfigError, CorpusError, EmonetBenchError
from emonet_bench.types import Loss, Utterance

TABLE = "file,label\na.wav,sadness\nsub/b.wav,anger\n"


ORDINAL = [(label, part) for part in ("train", "dev", "test") for label in ("low", "medium", "high")]


def write(path, content=TABLE):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def emonet_folder(folder, dev="devel.csv"):
    write(folder / "train.csv", "file,label\na.wav,sadness\nb.wav,anger\n")
    write(folder / dev, "file,label\nc.wav,fear\n")
    write(folder / "test.csv", "file,label\nd.wav,anger\n")
    return folder


@pytest.mark.parametrize("dev", ["devel.csv", "val.csv", "dev.csv"])
def test_emonets_own_preparation_works_unchanged(tmp_path, dev):
    folder = emonet_folder(tmp_path / "task", dev)
    corpus = read_directory("task", tmp_path / "wavs", folder)
    assert corpus.labels == ("anger", "fear", "sadness")  # the sorted union: train lacks fear, test has anger alone
    utterances = corpus.load()
    assert [u.file for u in utterances] == [tmp_path / "wavs" / f"{name}.wav" for name in "abcd"]
    assert list(corpus.protocols) == ["own"]
    assert assign(utterances, corpus.protocols["own"], None) == ["train", "train", "dev", "test"]


def test_tables_may_have_any_name(tmp_path):
    tables = {"train": tmp_path / "1.csv", "dev": tmp_path / "2.csv", "test": tmp_path / "3.csv"}
    for path in tables.values():
        write(path, f"file,label\n{path.stem}.wav,anger\n{path.stem}.ogg,fear\n")
    assert [u.partition for u in read_tables("mine", tmp_path, tables).load()] == ["train"] * 2 + ["dev"] * 2 + [
        "test"
    ] * 2


@pytest.mark.parametrize(
    "content",
    [
        "file,label\na.wav,sadness\nsub/b.wav,anger\n",
        "label,file\nsadness,a.wav\nanger,sub/b.wav\n",
        "path,age,emotion\na.wav,30,sadness\nsub/b.wav,40,anger\n",
        "path,emotion,speaker\na.wav,sadness,s1\nsub/b.wav,anger,s2\n",
        "FILE,Speaker,LABEL\na.wav,s1,sadness\nsub/b.wav,s2,anger\n",
        "File Name,Category\na.wav,sadness\nsub/b.wav,anger\n",
        "filename,arousal\na.wav,sadness\nsub/b.wav,anger\n",
        "file;label\na.wav;sadness\nsub/b.wav;anger\n",
        "file\tlabel\na.wav\tsadness\nsub/b.wav\tanger\n",
        "age,file,note,label,other\n30,a.wav,x,sadness,1\n40,sub/b.wav,y,anger,2\n",
        '\ufefffile,label\r\n"a.wav", sadness\r\n\r\nsub/b.wav,"anger"\r\n',
        "id,label,file,end\n1,sadness,a.wav,\n2,anger,sub/b.wav,\n",
    ],
)
def test_columns_are_found_by_name_or_by_place(tmp_path, content):
    utterances = read_table(write(tmp_path / "t.csv", content), tmp_path)
    assert [(u.name, u.file, u.label) for u in utterances] == [
        ("a.wav", tmp_path / "a.wav", "sadness"),
        ("sub/b.wav", tmp_path / "sub/b.wav", "anger"),
    ]


def test_a_table_reads_as_pandas_reads_it(tmp_path):
    frame = pd.DataFrame({"file": ['a "q", b.wav', "c.wav"], "label": ["é, ü", "x"], "speaker": ["01", "02"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = read_table(tmp_path / "t.csv", tmp_path)
    assert [[u.name, u.label, u.speaker] for u in found] == frame.to_numpy().tolist()


def test_stretches_of_one_file_are_utterances_of_their_own(tmp_path):
    content = "file,label,start,end,session\nlong.wav,fear,0.5,2,s1\nlong.wav,anger,2,,s1\n"
    first, second = read_table(write(tmp_path / "t.csv", content), tmp_path)
    assert (first.start, first.end, first.session) == (0.5, 2.0, "s1")
    assert (second.start, second.end) == (2.0, None)
    assert first.name != second.name
    assert first.file == second.file


def test_what_a_table_knows_of_speakers_is_read_and_unknown_stays_unknown(tmp_path):
    content = "file,label,Sex,age,lang,age group\na.wav,x,female,31.0,de,old\nb.wav,y,unknown,,DE,\n"
    first, second = read_table(write(tmp_path / "t.csv", content), tmp_path)
    assert first.demographics == {"gender": "female", "age": "31.0", "language": "de"}
    assert second.demographics == {"language": "DE"}


def test_in_a_table_of_two_columns_a_gender_is_the_label(tmp_path):
    (first,) = read_table(write(tmp_path / "t.csv", "file,gender\na.wav,female\n"), tmp_path)
    assert (first.label, first.demographics) == ("female", None)


def test_one_table_may_say_the_partitions(tmp_path):
    write(tmp_path / "utterances.csv", "file,label,partition\na,x,train\nb,y,dev\nc,x,test\n")
    corpus = read_directory("mine", tmp_path, tmp_path)
    assert assign(corpus.load(), corpus.protocols["own"], None) == ["train", "dev", "test"]


def test_one_table_with_speakers_is_divided_by_speaker(tmp_path):
    rows = "".join(f"{s}{label},{label},s{s}\n" for s in range(6) for label in "xy")
    write(tmp_path / "utterances.csv", f"file,label,speaker\n{rows}")
    corpus = read_directory("mine", tmp_path, tmp_path)
    assert {name: len(folds(corpus.load(), rule)) for name, rule in corpus.protocols.items()} == {
        "folds5": 5,
        "loso": 6,
    }


def test_a_folder_is_known_by_its_tables(tmp_path):
    folder = emonet_folder(tmp_path / "task")
    assert holds_tables(folder)
    (folder / "devel.csv").unlink()
    assert not holds_tables(folder)
    with pytest.raises(ConfigError, match=r"no table for dev; put devel\.csv or dev\.csv or val\.csv there"):
        read_directory("task", tmp_path, folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "line 1: needs a header"),
        ("file\na.wav\n", "line 1: needs a header"),
        ("file,label\n", "no row below its header"),
        ("a.wav,anger\nb.wav,fear\n", "line 1 is a clip, not a header; write the names of the columns above it"),
        ("anger,sub/A.FLAC,s1\n", "line 1 is a clip, not a header"),
        ("a,b\nc,d\n", "line 1: needs a header"),
        ("file,age,speaker\na.wav,30,s1\n", "line 1: no column is called 'label'"),
        ("file,speaker\na.wav,s1\n", "line 1: no column is called 'label'"),
        ("label,speaker\nx,s1\n", "line 1: no column is called 'file'"),
        ("file,emotion,category\na.wav,x,y\n", "the columns 'emotion', 'category' may both hold the labels"),
        ("file,label,Label\na.wav,x,y\n", "may both hold the labels"),
        ("file,label\na\0.wav,x\n", "it holds zero bytes"),
        ("file,label\na.wav,x\nb.wav\n", "line 3: has 1 cells and no label"),
        ("file,label\na.wav,\n", "line 2: file and label must not be empty"),
        ("file,label,start\na.wav,x,soon\n", "line 2: start must be seconds from 0; got 'soon'"),
        ("file,label,start\na.wav,x,nan\n", "line 2: start"),
        ("file,label,start,end\na.wav,x,3,2\n", r"line 2: end \(2.0 s\) must lie after start"),
        ("file,label,partition\na.wav,x,devel\n", "line 2: partition must be train, dev or test; got 'devel'"),
        ('file,label\n"a.wav,x\n', "not a CSV file"),
    ],
)
def test_a_wrong_table_is_one_line_that_names_table_and_row(tmp_path, content, words):
    path = write(tmp_path / "t.csv", content)
    with pytest.raises(CorpusError, match=words) as caught:
        read_table(path, tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_an_utterance_in_two_partitions_is_an_error_that_names_it(tmp_path):
    folder = emonet_folder(tmp_path)
    write(folder / "test.csv", "file,label\nb.wav,anger\n")
    with pytest.raises(CorpusError, match=r"b\.wav stands in train and again in test"):
        read_directory("task", tmp_path, folder)


@pytest.mark.parametrize(
    ("label", "told"), [("anger", "two rows; list"), ("joy", "two rows, as 'anger' and as 'joy';")]
)
def test_a_clip_in_two_rows_is_an_error_that_tells_both_labels_where_they_differ(tmp_path, label, told):
    write(tmp_path / "utterances.csv", f"file,label,speaker\na.wav,anger,s\nb.wav,joy,s\na.wav,{label},s\n")
    with pytest.raises(CorpusError, match=rf"a\.wav stands in {told}"):
        read_directory("mine", tmp_path, tmp_path)


def test_a_table_without_partitions_or_speakers_cannot_be_divided(tmp_path):
    write(tmp_path / "utterances.csv")
    with pytest.raises(CorpusError, match="every row needs a partition"):
        read_directory("mine", tmp_path, tmp_path)


def test_a_missing_table_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.csv: cannot be read \(No such file or directory\)"):
        read_table(tmp_path / "nowhere.csv", tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_in_utf_16_is_read_where_it_says_so(tmp_path, encoding):
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""
    (tmp_path / "t.csv").write_bytes((mark + "file;label\r\nä.wav;Freude\r\nb.wav;Ärger\r\n").encode(encoding))
    assert [(u.name, u.label) for u in read_table(tmp_path / "t.csv", tmp_path)] == [
        ("ä.wav", "Freude"),
        ("b.wav", "Ärger"),
    ]


def test_a_table_in_another_encoding_is_one_line_with_a_remedy(tmp_path):
    (tmp_path / "t.csv").write_bytes("file,label\nä.wav,x\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"t\.csv: not in UTF-8 \(.*\); save it as CSV UTF-8"):
        read_table(tmp_path / "t.csv", tmp_path)


def test_a_table_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("emonet_bench.data.text_files.MOST_BYTES", 1 << 20)
    write(tmp_path / "t.csv", TABLE + "a.wav,x\n" * 200_000)
    with pytest.raises(CorpusError, match="larger than 1 MiB"):
        read_table(tmp_path / "t.csv", tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_or_a_device_is_no_table(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for name in ("pipe.csv", "zero.csv"):
        with pytest.raises(ConfigError, match="no regular file"):
            read_table(tmp_path / name, tmp_path)


def absolute(folder, data_path, outside=""):
    """Tables with absolute paths, and their corpus's names."""
    for part, name in (("train", "a"), ("devel", "b"), ("test", "c")):
        rows = "".join(f"{data_path}{outside}/wav/{name}{n}.wav,{'xy'[n]}\n" for n in range(2))
        write(folder / f"{part}.csv", f"file,label\n{rows}")
    return sorted(utterance.name for utterance in read_directory("mine", data_path, folder).load())


def test_absolute_paths_leave_no_trace_in_names(tmp_path):
    expected = ["wav/a0.wav", "wav/a1.wav", "wav/b0.wav", "wav/b1.wav", "wav/c0.wav", "wav/c1.wav"]
    for machine in ("one", "two/deeper"):
        assert absolute(tmp_path / machine / "tables", tmp_path / machine / "audio") == expected
        assert absolute(tmp_path / machine / "tables", tmp_path / machine / "audio", "/../elsewhere/mine") == [
            name.removeprefix("wav/") for name in expected
        ]


def test_an_absolute_path_through_a_link_is_named_as_a_relative_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    content = f"file,label,start\n{tmp_path}/real/a.wav,x,\n{tmp_path}/link/b.wav,y,0\n{tmp_path}/link/b.wav,x,2.5\n"
    utterances = read_table(write(tmp_path / "t.csv", content), tmp_path / "link")
    assert [u.name for u in utterances] == ["a.wav", "b.wav#0.0-", "b.wav#2.5-"]


def test_relative_names_stay_as_the_table_has_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for data_path in (tmp_path, Path(), Path("..")):
        utterances = read_table(write(tmp_path / "t.csv", "file,label\n./a.wav,x\n../b.wav,y\nc#1-2,x\n"), data_path)
        assert [u.name for u in utterances] == ["./a.wav", "../b.wav", "c#1-2"]


@pytest.mark.parametrize(("there", "here"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_file_is_found_whatever_the_normal_form_of_its_name(tmp_path, there, here):
    import unicodedata

    (tmp_path / unicodedata.normalize(there, "Bärbel.wav")).touch()
    table = write(tmp_path / "t.csv", unicodedata.normalize(here, "file,label\nBärbel.wav,x\ngöne.wav,y\n"))
    found, missing = read_table(table, tmp_path)
    assert found.file.exists()
    assert found.name == unicodedata.normalize(here, "Bärbel.wav")
    assert missing.file.name == unicodedata.normalize(here, "göne.wav")


def test_three_speakers_are_left_out_in_turn_and_it_says_so(tmp_path):
    rows = "".join(f"{s}{label},{label},s{s}\n" for s in range(3) for label in "xy")
    write(tmp_path / "utterances.csv", f"file,label,speaker\n{rows}")
    corpus = read_directory("mine", tmp_path, tmp_path)
    assert list(corpus.protocols) == ["loso"]
    assert "fewer than 5 speakers" in corpus.facts["folds"]
    assert set(assign(corpus.load(), corpus.protocols["loso"], 2)) == {"train", "dev", "test"}


def test_speakers_that_are_partly_known_divide_no_corpus(tmp_path):
    write(tmp_path / "utterances.csv", "file,label,speaker\na,x,1\nb,y,\nc,x,  \n")
    with pytest.raises(CorpusError, match="2 of 3 have no speaker"):
        read_directory("mine", tmp_path, tmp_path)


@given(st.binary(max_size=200) | st.text(alphabet='file,label\n"start0.1é', max_size=200).map(str.encode))
def test_no_content_of_a_table_ends_in_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    try:
        read_table(path, path.parent)
    except EmonetBenchError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - most contents are errors, some are not


def test_the_order_of_collected_labels_means_nothing_and_the_ordinal_loss_is_refused(tmp_path):
    rows = "".join(f"{i}.wav,{label},{part}\n" for i, (label, part) in enumerate(ORDINAL))
    write(tmp_path / "utterances.csv", f"file,label,partition\n{rows}")
    corpus = read_directory("mine", tmp_path, tmp_path)
    assert (corpus.labels, corpus.ordered) == (("high", "low", "medium"), False)
    opened = OpenCorpus(corpus, "own", corpus.load(), None, 16_000, 0, coverage(corpus, corpus.load()))
    opened.check_loss(Loss("mine", Options, print), [])
    with pytest.raises(ConfigError, match=r"training\.loss: 'ordinal' needs ordered labels.*\(high, low, medium\)"):
        opened.check_loss(Loss("ordinal", Options, print, ordered=True), [])


def test_a_label_map_that_names_every_label_declares_their_order(tmp_path):
    rows = "".join(f"{i}.wav,{label},{part}\n" for i, (label, part) in enumerate(ORDINAL))
    write(tmp_path / "utterances.csv", f"file,label,partition\n{rows}")
    corpus = read_directory("mine", tmp_path, tmp_path)
    ordered = relabelled(corpus, {label: label for label in ("low", "medium", "high")})
    assert (ordered.labels, ordered.ordered) == (("low", "medium", "high"), True)
    assert not relabelled(corpus, {"low": "medium"}).ordered


TARGETS = """file,label,partition,votes:anger,votes:joy,labels:loud,labels:fast,arousal:1..7,valence:1..7
a.wav,anger,train,3,1,1,0,6,2.5
b.wav,,dev,2,2,0,0,4,4
c.wav,joy,test,,,1,1,5,6
"""


def test_a_table_may_hold_votes_sets_of_labels_and_values(tmp_path):
    write(tmp_path / "utterances.csv", TARGETS)
    corpus = read_directory("mine", tmp_path, tmp_path)
    a, b, c = corpus.load()
    assert corpus.labels == ("anger", "joy")
    assert [u.label for u in (a, b, c)] == ["anger", None, "joy"]
    assert (a.votes, c.votes) == ({"anger": 3.0, "joy": 1.0}, None)
    assert (a.labels, b.labels) == (frozenset({"loud"}), frozenset())
    assert b == replace(b, values={"arousal": 4.0, "valence": 4.0})
    rules = {name: corpus.target(rule).kind for name, rule in corpus.protocols.items()}
    assert rules == {"own": "label", "own-votes": "votes", "own-labels": "label-set", "own-values": "values"}


def test_a_table_needs_no_label_where_it_has_another_target(tmp_path):
    write(tmp_path / "utterances.csv", "file,arousal:1..5,partition\na.wav,1,train\nb.wav,5,dev\nc.wav,2,test\n")
    corpus = read_directory("mine", tmp_path, tmp_path)
    assert (corpus.labels, list(corpus.protocols)) == ((), ["own-values"])


def test_a_table_of_two_columns_may_hold_a_file_and_a_value(tmp_path):
    path = write(tmp_path / "t.csv", "arousal:1..5,file\n3,a.wav\n")
    expected = Utterance("a.wav", tmp_path / "a.wav", None, values={"arousal": 3.0})
    assert read_table(path, tmp_path) == [expected]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("d.wav,joy,test,-1,2,0,0,4,4", "d.wav: -1.0 votes for anger"),
        ("d.wav,joy,test,0,0,0,0,4,4", "d.wav: its votes for anger, joy sum to nothing"),
        ("d.wav,joy,test,1,2,0,0,8,4", "d.wav: arousal is 8, outside of its scale from 1 to 7"),
        ("d.wav,joy,test,1,2,0,0,nan,4", "d.wav: arousal is nan"),
        ("d.wav,joy,test,1,2,0,0,,4", "line 5: has no arousal; give all of arousal, valence, or none of them"),
    ],
)
def test_a_wrong_target_is_one_line_that_names_the_table(tmp_path, row, message):
    path = write(tmp_path / "utterances.csv", f"{TARGETS}{row}\n")
    with pytest.raises(CorpusError, match=message) as refused:
        read_directory("mine", tmp_path, tmp_path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_tables_of_partitions_need_the_same_targets(tmp_path):
    tables = {"train": "file,arousal:1..5\na.wav,1\n", "dev": "file,label\nb.wav,x\n", "test": "file,label\nc.wav,y\n"}
    paths = {part: write(tmp_path / f"{part}.csv", content) for part, content in tables.items()}
    with pytest.raises(CorpusError, match="different columns of targets"):
        read_tables("mine", tmp_path, paths)
