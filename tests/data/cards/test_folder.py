"""Reading a folder by its card: names, suffixes, links, and what is no utterance."""

import os
import tomllib
import unicodedata
from pathlib import Path

import pytest

from emonet_bench.config import parse
from emonet_bench.data.cards import corpus_at
from emonet_bench.data.cards.card import Card
from emonet_bench.data.cards.folder import load, read, read_names
from emonet_bench.data.cards.rows import Rows
from emonet_bench.errors import ConfigError, CorpusError
from emonet_bench.types import Utterance
from tests.data.cards.mine import CARD, listed


def test_a_code_in_a_table_without_a_meaning_is_an_error_that_names_the_file(folder):
    (folder / "lists" / "tune.txt").write_text("3 q bob", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"clip3\.wav: its card has no label for the code 'q'"):
        corpus_at("mine", folder).load()


def test_parts_of_a_group_are_joined(tmp_path):
    text = CARD.replace("clip\\d+", "(?P<speaker1>s\\d)_(?P<label>[na])_(?P<speaker2>[fm])")
    (tmp_path / "card.toml").write_text(text, encoding="utf-8")
    (tmp_path / "s1_n_f.wav").touch()
    assert [u.speaker for u in corpus_at("mine", tmp_path).load()] == ["s1f"]


def test_what_is_no_utterance_is_told(folder):
    (folder / "stranger.flac").touch()
    (folder / "lists" / "learn.txt").write_text("1 n ann\n2 a ann\n9 x ann\n7 n ann", encoding="utf-8")
    names, files, rows = listed(folder)
    assert names == ["clip1", "clip2", "clip3", "clip4"]
    assert sorted(files) == ["clip5.wav", "stranger.flac"]  # clip9 is left out by the card
    assert rows == ("clip7",)


def test_names_match_in_any_normal_form(tmp_path):
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


def test_misnamed_files_are_read_as_the_card_corrects_them(folder):
    (folder / "clip1.wav").rename(folder / "clop1.wav")
    (folder / "card.toml").write_text(CARD + '[corrections]\nclop1 = "clip1"\n', encoding="utf-8")
    first = corpus_at("mine", folder).load()[0]
    assert (first.name, first.file.name) == ("clip1", "clop1.wav")


def card(text=CARD):
    return parse(Card, tomllib.loads(text), "card")


def test_names_are_read_from_the_end_of_a_path_and_corrected_before():
    corrected = card(CARD.replace("clip\\d+", "(?P<label>[na])\\d+") + '[corrections]\nx1 = "n1"\n')
    assert read_names(corrected, ["n1", "deep/down/a22", "deep/x1", "q1", "n1/q1"], "here") == [
        {"_name": "n1", "label": "n"},
        {"_name": "a22", "label": "a"},
        {"_name": "n1", "label": "n"},
        None,
        None,
    ]


def test_an_utterance_is_what_its_name_and_its_rows_say_and_rows_have_the_last_word():
    rows = Rows({"clip1": {"label": "a", "text": "hello", "partition": "learn"}})
    groups = {"_name": "clip1", "label": "n", "speaker1": "Ses01", "speaker2": "F", "session": None}
    utterance = read(card(), Path("clip1.wav"), groups, rows)
    assert utterance == Utterance("clip1", Path("clip1.wav"), "anger", "Ses01F", "hello", None, partition="train")


def test_a_name_without_a_label_is_no_utterance_and_a_label_that_is_left_out_is_empty():
    assert read(card(), Path("clip1.wav"), {"_name": "clip1"}, Rows()) is None
    assert read(card(), Path("clip1.wav"), {"_name": "clip1", "label": "x"}, Rows()).label == ""


@pytest.mark.parametrize(
    ("code", "words"), [({"label": "q"}, "no label for the code 'q'"), ({"label": "n", "partition": "q"}, "partition")]
)
def test_a_code_without_a_meaning_is_an_error(code, words):
    with pytest.raises(CorpusError, match=words):
        read(card(), Path("clip1.wav"), {"_name": "clip1", **code}, Rows())


def test_a_folder_that_is_not_known_not_there_or_empty_says_where_audio_is_to_be_had(tmp_path):
    for folder, words in (
        (None, "no audio; get it"),
        (tmp_path / "gone", "is no directory"),
        (tmp_path, "has a name of this"),
    ):
        with pytest.raises(CorpusError, match=rf"^corpus mine: .*{words}.*https://example\.org") as caught:
            load("mine", card(), folder)
        assert "\n" not in str(caught.value)


def test_a_folder_of_nearly_the_same_name_is_told(tmp_path):
    (tmp_path / "MINE_1").mkdir()
    with pytest.raises(CorpusError, match=r"is no directory; rename .*MINE_1 to mine-1$"):
        load("mine-1", card(), tmp_path / "mine-1")


def test_two_files_of_one_utterance_are_named(folder):
    (folder / "again").mkdir()
    (folder / "again" / "clip1.flac").touch()
    with pytest.raises(
        CorpusError, match=r"^corpus mine: .*clip1\.wav and .*again/clip1\.flac are both clip1; remove one$"
    ):
        load("mine", card(), folder)
