import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emonet_bench.data.label_maps import relabelled
from emonet_bench.data.opened_corpus import OpenCorpus
from emonet_bench.data.partitions import assign, folds
from emonet_bench.data.tables import holds_tables, read_directory, read_table, read_tables
from emonet_bench.errors import ConfigError, CorpusError, EmonetBenchError

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


def test_a_table_without_partitions_or_speakers_cannot_be_divided(tmp_path):
    write(tmp_path / "utterances.csv")
    with pytest.raises(CorpusError, match="every row needs a partition"):
        read_directory("mine", tmp_path, tmp_path)


def test_a_missing_table_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.csv: cannot be read \(No such file or directory\)"):
        read_table(tmp_path / "nowhere.csv", tmp_path)


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
    opened = OpenCorpus(corpus, "own", corpus.load(), None, 16_000)
    opened.check_loss("crossentropy")
    with pytest.raises(ConfigError, match=r"training\.loss: 'ordinal' needs ordered labels.*\(high, low, medium\)"):
        opened.check_loss("ordinal")


def test_a_label_map_that_names_every_label_declares_their_order(tmp_path):
    rows = "".join(f"{i}.wav,{label},{part}\n" for i, (label, part) in enumerate(ORDINAL))
    write(tmp_path / "utterances.csv", f"file,label,partition\n{rows}")
    corpus = read_directory("mine", tmp_path, tmp_path)
    ordered = relabelled(corpus, {label: label for label in ("low", "medium", "high")})
    assert (ordered.labels, ordered.ordered) == (("low", "medium", "high"), True)
    assert not relabelled(corpus, {"low": "medium"}).ordered


def test_train_with_one_label_alone_is_refused_as_the_docstring_says(tmp_path):
    rows = "".join(f"{i}.wav,{label},{part}\n" for i, (label, part) in enumerate(ORDINAL) if part != "train" or i < 1)
    write(tmp_path / "utterances.csv", f"file,label,partition\n{rows}")
    corpus = read_directory("mine", tmp_path, tmp_path)
    with pytest.raises(CorpusError, match="leaves the one label 'low' in train"):
        OpenCorpus(corpus, "own", corpus.load(), None, 16_000).divide(None)
