"""Cards: what they may say, how names and tables are read by them, and the documented examples in those we ship."""

import os
from pathlib import Path

import emonet_corpora
import pytest

from emonet_bench.config import parse, read_toml
from emonet_bench.data.cards import Card, corpus_at, corpus_from_card
from emonet_bench.data.cards.folder import read as read_utterance
from emonet_bench.data.cards.folder import read_names
from emonet_bench.data.cards.rows import Rows, read_rows
from emonet_bench.data.partitions import assign
from emonet_bench.errors import ConfigError, CorpusError

CARDS = sorted((Path(emonet_corpora.__file__).parent / "cards").glob("*.toml"))
VERIFIED = {"emodb", "emotiontts_ko", "emovo", "fsdd", "ravdess", "turevdb", "urdu"}  # against real files: test_corpora
STANDARD = {
    *("anger", "anxiety", "apology", "assertiveness", "boredom", "calm", "concern", "disgust", "encouragement"),
    *("excitement", "fear", "frustration", "happiness", "joy", "neutral", "sadness", "surprise"),
}
OTHER = {"baved", "esc-10", "esc-50", "fsdd", "speech-commands"}  # labels are no emotions


def read(path):
    return parse(Card, read_toml(path), str(path))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_documented_names_are_read_as_documented(path):
    card = read(path)
    assert len(card.examples) >= 5 or path.stem in VERIFIED
    for name, expected in card.examples.items():
        rows = [read_rows(table, [expected.row or ""], "")[0] for table in card.tables]
        (groups,) = read_names(card, [name], "")
        assert groups is not None, name
        utterance = read_utterance(card, Path(name), groups, Rows(dict(filter(None, rows))))
        for key in ("label", "speaker", "text", "session", "partition"):
            assert getattr(utterance, key) == getattr(expected, key), (name, key)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_labels_are_spelt_as_the_field_spells_them(path):
    labels = set(corpus_from_card(path, None).labels)
    assert path.stem in OTHER or labels <= STANDARD


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_the_default_protocol_keeps_what_makes_a_voice_apart(path):
    rule = next(iter(corpus_from_card(path, None).protocols.values()))
    own = path.stem == "speech-commands"  # its official lists go by a hash of the speaker
    assert own or rule.by in ("speaker", "session")
    if rule.fixed:
        groups = [group for part in ("train", "dev", "test") for group in rule.fixed[part]]
        assert len(groups) == len(set(groups))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_named_map_leaves_two_labels_at_least(path):
    card, corpus = read(path), corpus_from_card(path, None)
    assert corpus.maps == card.maps
    for name, mapped in corpus.maps.items():
        left = {mapped.get(label, label) for label in corpus.labels} - {""}
        assert len(left) >= 2, name
        if name[0].isdigit():
            assert len(left) == int(name[0]), name


CARD = """
title = "Mine"
homepage = "https://example.org"
licence = "CC0-1.0"
redistributable = "yes"
citation = "@misc{mine}"
languages = ["en"]
elicitation = "acted"
patterns = ['clip\\d+']
[[tables]]
files = "*.txt"
row = '(?:.*/)?(?P<partition>learn|tune|check)\\.txt:(?P<id>\\d+) (?P<label>\\w) (?P<speaker>\\w+)'
name = "clip{id}"
[labels]
n = "neutral"
a = "anger"
x = false
[partitions]
learn = "train"
tune = "dev"
check = "test"
[protocols.official]
own = true
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "card.toml").write_text(CARD, encoding="utf-8")
    (tmp_path / "lists").mkdir()
    for name, rows in {"learn": "1 n ann\n2 a ann\n9 x ann", "tune": "3 n bob\nnonsense", "check": "4 a eve"}.items():
        (tmp_path / "lists" / f"{name}.txt").write_text(rows, encoding="utf-8")
    for number in (1, 2, 3, 4, 5, 9):
        (tmp_path / f"clip{number}.wav").touch()
    return tmp_path


def test_tables_say_what_names_do_not(folder):
    corpus = corpus_at("mine", folder)
    utterances = corpus.load()
    assert corpus.labels == ("neutral", "anger")
    assert [(u.name, u.label, u.speaker) for u in utterances] == [
        ("clip1", "neutral", "ann"),
        ("clip2", "anger", "ann"),
        ("clip3", "neutral", "bob"),
        ("clip4", "anger", "eve"),
    ]  # clip5 stands in no table, clip9 has a label that is left out
    assert assign(utterances, corpus.protocols["official"], None) == ["train", "train", "dev", "test"]


def test_a_code_in_a_table_without_a_meaning_is_an_error_that_names_the_file(folder):
    (folder / "lists" / "tune.txt").write_text("3 q bob", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"clip3\.wav: its card has no label for the code 'q'"):
        corpus_at("mine", folder).load()


def test_a_card_may_lie_elsewhere_than_its_audio(folder, tmp_path_factory):
    card = tmp_path_factory.mktemp("cards") / "any.toml"
    (folder / "card.toml").rename(card)
    assert len(corpus_at("mine", folder, card).load()) == 4


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "clip{id}"', 'name = "clip{nr}"', "tables.0: .*named groups of row"),
        ('name = "clip{id}"', 'name = "clip{id:d}"', "tables.0: .*as they stand"),
        ('name = "clip{id}"', 'name = "clip{id!r}"', "tables.0: .*as they stand"),
        ('name = "clip{id}"', 'name = "clip{id.real}"', "tables.0: .*named groups of row"),
        ('files = "*.txt"', 'files = "/*.txt"', "relative to the corpus's folder"),
        ("own = true", "folds = 0", "folds"),
        ("own = true", "folds = 2", "folds"),
        ("own = true", 'folds = "each"\ndev_groups = 0', "dev_groups"),
        ("clip\\\\d+", "(" * 900 + ")" * 900, "not a regular expression"),
        ("clip\\\\d+", "a" * 3000, "not a regular expression of at most"),
        ("own = true", "own = true\nfolds = 5", "either"),
        ('learn = "train"', 'learn = "training"', "partitions.learn"),
        ('a = "anger"', "", "at least two labels"),
        ("(?P<label>\\\\w)", "\\\\w", "one needs a named group label"),
        ("[labels]", '[maps.few]\njoy = "x"\n[labels]', "'joy' is not among the labels"),
    ],
)
def test_a_faulty_card_is_one_line_that_names_it(folder, old, new, words):
    assert old.replace("\\\\", "\\") in CARD
    (folder / "card.toml").write_text(
        CARD.replace(old.replace("\\\\", "\\"), new.replace("\\\\", "\\")), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=words) as caught:
        corpus_at("mine", folder)
    assert str(caught.value).startswith(str(folder / "card.toml"))
    assert "\n" not in str(caught.value)


def test_parts_of_a_group_are_joined(tmp_path):
    text = CARD.replace("clip\\d+", "(?P<speaker1>s\\d)_(?P<label>[na])_(?P<speaker2>[fm])")
    (tmp_path / "card.toml").write_text(text, encoding="utf-8")
    (tmp_path / "s1_n_f.wav").touch()
    assert [u.speaker for u in corpus_at("mine", tmp_path).load()] == ["s1f"]


def listed(folder):
    listing = corpus_at("mine", folder).load()
    return [u.name for u in listing], listing.unmatched_files, listing.unmatched_rows


def test_what_is_no_utterance_is_told(folder):
    (folder / "stranger.flac").touch()
    (folder / "lists" / "learn.txt").write_text("1 n ann\n2 a ann\n9 x ann\n7 n ann", encoding="utf-8")
    names, files, rows = listed(folder)
    assert names == ["clip1", "clip2", "clip3", "clip4"]
    assert sorted(files) == ["clip5.wav", "stranger.flac"]  # clip9 is left out by the card
    assert rows == ("clip7",)


CSV_CARD = CARD.replace("*.txt", "*.csv").replace(
    "(?P<partition>learn|tune|check)\\.txt:(?P<id>\\d+) (?P<label>\\w) (?P<speaker>\\w+)",
    '(?P<partition>learn|tune|check)\\.csv:(?P<id>\\d+),(?P<label>\\w),(?P<speaker>\\w+),(?:"[^"]*"|[^,]*)',
)


def test_records_of_csv_files_may_hold_any_line_separator_and_those_that_do_not_fit_are_told(folder):
    (folder / "card.toml").write_text(CSV_CARD, encoding="utf-8")
    rows = {
        "learn": 'id,label,speaker,text\r\n1,n,ann,"well\x85 maybe"\r\n2,a,ann,"one\r\ntwo"\r\n',
        "tune": "id,label,speaker,text\n3,n,bob,plain\u2028line\n3;n;bob\n\n",
        "check": "id,label,speaker,text\n4,a,eve,x",
    }
    for name, content in rows.items():
        (folder / "lists" / f"{name}.csv").write_text(content, encoding="utf-8", newline="")
    names, _, unmatched = listed(folder)
    assert names == ["clip1", "clip2", "clip3", "clip4"]
    assert unmatched == ("lists/tune.csv:3;n;bob",)


def test_names_match_in_any_normal_form(tmp_path):
    import unicodedata

    text = CARD.replace("clip\\d+", "(?P<label>[na])_Bär")
    (tmp_path / "card.toml").write_text(unicodedata.normalize("NFC", text), encoding="utf-8")
    (tmp_path / unicodedata.normalize("NFD", "n_Bär.wav")).touch()
    (tmp_path / unicodedata.normalize("NFC", "a_Bär.wav")).touch()
    assert listed(tmp_path)[0] == [unicodedata.normalize("NFC", name) for name in ("a_Bär", "n_Bär")]


@pytest.mark.parametrize("suffix", ["opus", "au", "oga", "caf", "OPUS", "aifc"])
def test_audio_of_every_kind_is_found(folder, suffix):
    (folder / "clip1.wav").rename(folder / f"clip1.{suffix}")
    assert listed(folder)[0] == ["clip1", "clip2", "clip3", "clip4"]


def test_a_linked_folder_is_part_of_the_corpus(folder, tmp_path_factory):
    away = tmp_path_factory.mktemp("away") / "disc"
    away.mkdir()
    (folder / "clip3.wav").rename(away / "clip3.wav")
    (folder / "disc2").symlink_to(away)
    assert listed(folder)[0] == ["clip1", "clip2", "clip3", "clip4"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_among_the_audio_is_never_opened_and_one_among_the_tables_is_named(folder):
    (folder / "clip1.wav").unlink()
    os.mkfifo(folder / "clip1.wav")
    assert "clip1.wav" in listed(folder)[1]
    os.mkfifo(folder / "lists" / "pipe.txt")
    with pytest.raises(ConfigError, match=r"pipe\.txt is no regular file"):
        listed(folder)


OUTSIDE = {
    "up": lambda folder: None,
    "a link to a file": lambda folder: (folder / "lists" / "secret.txt").symlink_to(folder.parent / "secret.txt"),
    "a link to a folder": lambda folder: (folder / "more").symlink_to(folder.parent / "secrets"),
}


@pytest.mark.parametrize("how", OUTSIDE)
def test_a_strangers_card_reads_no_text_outside_of_its_folder_and_ones_own_may(folder, tmp_path_factory, how):
    home = tmp_path_factory.mktemp("home")
    folder = folder.rename(home / "mine")
    (home / "secret.txt").write_text("root:x", encoding="utf-8")
    (home / "secrets").mkdir()
    (home / "secrets" / "learn.txt").write_text("5 n zoe", encoding="utf-8")
    OUTSIDE[how](folder)
    card = folder / "card.toml"
    if how == "up":
        card.write_text(CARD.replace("*.txt", "../secrets/*.txt"), encoding="utf-8")
    with pytest.raises(
        CorpusError, match=r"corpus mine: tables: .* lies outside of .*mine; put it there, or name"
    ) as caught:
        corpus_at("mine", folder).load()
    assert "\n" not in str(caught.value)
    own = corpus_at("mine", folder, card)
    if how == "a link to a file":
        assert len(own.load()) == 4
    else:
        assert "zoe" in {u.speaker for u in own.load()}


@pytest.mark.parametrize("pattern", ["(?P<label>(a+)+)x", "(?P<label>(a|a)*)x", "(?P<label>.*.*.*.*.*.*.*.*)x"])
def test_patterns_that_explode_are_stopped_and_named(tmp_path, monkeypatch, pattern):
    monkeypatch.setattr("emonet_bench.data.cards.bounded.PATIENCE", 0.5)
    (tmp_path / "card.toml").write_text(CARD.replace("clip\\d+", pattern), encoding="utf-8")
    (tmp_path / ("a" * 200 + ".wav")).touch()
    with pytest.raises(CorpusError, match=r"corpus mine: its patterns take more than 0\.5 s; avoid repetitions"):
        corpus_at("mine", tmp_path).load()


def test_blank_cells_tell_nothing(folder):
    text = CARD.replace("(?P<speaker>\\w+)", "(?P<speaker>\\w*)")
    (folder / "card.toml").write_text(text, encoding="utf-8")
    (folder / "lists" / "tune.txt").write_text("3 n ", encoding="utf-8")
    assert [u.speaker for u in corpus_at("mine", folder).load()] == ["ann", "ann", None, "eve"]


def test_misnamed_files_are_read_as_the_card_corrects_them(folder):
    (folder / "clip1.wav").rename(folder / "clop1.wav")
    (folder / "card.toml").write_text(CARD + '[corrections]\nclop1 = "clip1"\n', encoding="utf-8")
    first = corpus_at("mine", folder).load()[0]
    assert (first.name, first.file.name) == ("clip1", "clop1.wav")
